import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { isProcessAlive } from './processes.mjs';

const MODULE = JSON.stringify(new URL('./processes.mjs', import.meta.url).href);
const pids = [];
afterEach(() => {
  for (const pid of pids.splice(0)) if (isProcessAlive(pid)) process.kill(pid, 'SIGKILL');
});

/** A process that runs a program which never ends; resolves once that says its number. */
async function parentOf(call, before = '') {
  const endless = `require('node:fs').writeSync(3, String(process.pid)); setInterval(() => {}, 1000)`;
  const script = `
    const { ${call} } = await import(${MODULE});
    ${before}
    await ${call}(process.execPath, ['-e', ${JSON.stringify(endless)}], { stdio: ['ignore', 'pipe', 'pipe', 2] });`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(parent, 'close');
  const [line] = await once(parent.stderr, 'data');
  const child = Number(String(line));
  pids.push(parent.pid, child);
  return { parent, child, ended };
}

test.runIf(process.platform !== 'win32').each([
  ['SIGINT', 'runProgram'],
  ['SIGTERM', 'runProgram'],
  ['SIGHUP', 'runProgram'],
  ['SIGTERM', 'captureProgram'],
])('%s ends the program that %s runs too', async (signal, call) => {
  const { parent, child, ended } = await parentOf(call);
  parent.kill(signal);
  expect(await ended).toEqual([null, signal]);
  expect(isProcessAlive(child)).toBe(false);
});

test.runIf(process.platform !== 'win32')('who takes care of a signal goes on after the program', async () => {
  const { parent, child, ended } = await parentOf('runProgram', `process.on('SIGTERM', () => (process.exitCode = 7));`);
  parent.kill('SIGTERM');
  expect(await ended).toEqual([7, null]);
  expect(isProcessAlive(child)).toBe(false);
});
