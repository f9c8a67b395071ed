import { spawn } from 'node:child_process';
import { afterEach, expect, test } from 'vitest';

const MODULE = JSON.stringify(new URL('./interrupt.mjs', import.meta.url).href);
const children = [];
afterEach(() => children.splice(0).forEach((child) => child.kill('SIGKILL')));

/** A process that waits for work that never ends, and with `running` is in a run that stops when told. */
function watcher(running) {
  const script = `
    const { Interrupted, watchInterrupts } = await import(${MODULE});
    const interruption = watchInterrupts();
    const alive = setInterval(() => {}, 1000);
    let end;
    const run = new Promise((resolve) => (end = resolve));
    if (${running !== null}) interruption.during(() => { console.log('stopping'); if (${running === 'stops'}) end(); });
    console.log('ready');
    const how = await interruption.until(run).then(() => 'saved', (error) => error instanceof Interrupted && 'cut');
    console.log(how, interruption.wanted);
    clearInterval(alive);
    interruption.unwatch();
    process.exitCode = how === 'cut' ? 130 : 0;`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
  children.push(child);
  let text = '';
  const ended = new Promise((resolve) => child.on('close', (code, signal) => resolve({ end: code ?? signal, text })));
  const says = (word) =>
    new Promise((resolve) => {
      const look = () => text.includes(word) && resolve();
      child.stdout.on('data', look);
      look();
    });
  child.stdout.on('data', (part) => (text += part));
  return { child, ended, says };
}

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'])('%s ends at once what is no run', async (signal) => {
  const { child, ended, says } = watcher(null);
  await says('ready');
  child.kill(signal);
  expect(await ended).toEqual({ end: 130, text: 'ready\ncut true\n' });
});

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'])('%s stops a run and lets it save', async (signal) => {
  const { child, ended, says } = watcher('stops');
  await says('ready');
  child.kill(signal);
  expect(await ended).toEqual({ end: 0, text: 'ready\nstopping\nsaved true\n' });
});

test('a run that does not stop is ended by a second signal, and not by the echo of the first', async () => {
  const { child, ended, says } = watcher('hangs');
  await says('ready');
  child.kill('SIGINT');
  await says('stopping');
  child.kill('SIGINT');
  const again = setInterval(() => child.kill('SIGTERM'), 100);
  const { end, text } = await ended;
  clearInterval(again);
  expect(end).toBe(130);
  expect(text).toBe('ready\nstopping\ncut true\n');
});
