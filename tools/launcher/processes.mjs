// Running other programs and waiting for them.

import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** What ends a program that would otherwise outlive this process. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * Passes signals on to a child until it has ended, and then ends as they say, unless somebody else here takes care of
 * them: a signal by number reaches this process alone, and the child would live on.
 */
function shareSignals(child) {
  let ending = null;
  const pass = (signal) => {
    if (process.listenerCount(signal) === 1) ending = signal;
    child.kill(signal);
  };
  for (const signal of SIGNALS) process.on(signal, pass);
  const stop = () => {
    for (const signal of SIGNALS) process.off(signal, pass);
    if (ending !== null) process.kill(process.pid, ending);
  };
  child.once('close', stop);
}

/**
 * Runs a program to its end with this terminal's input and output.
 * @param {string} program @param {string[]} args @param {import('node:child_process').SpawnOptions} [options]
 * @returns {Promise<number>} its exit code; 127 when it could not be started, 128 when a signal ended it
 */
export function runProgram(program, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: 'inherit', ...options });
    shareSignals(child);
    child.on('error', () => resolve(127));
    child.on('close', (code) => resolve(code ?? 128));
  });
}

/**
 * Runs a program to its end without input.
 * @param {(text: Uint8Array) => void} write is given what it writes, stdout and stderr as they come
 * @returns {Promise<number>} as runProgram
 */
export function runProgramInto(write, program, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    shareSignals(child);
    child.stdout.on('data', write);
    child.stderr.on('data', write);
    child.on('error', (error) => {
      write(Buffer.from(error.message));
      resolve(127);
    });
    child.on('close', (code) => resolve(code ?? 128));
  });
}

/** Whether a program ends with success; its output is thrown away. */
export function succeeds(program, args) {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}

/**
 * Runs a program to its end and keeps what it writes.
 * @returns {Promise<{code: number, output: string}>} output: stdout and stderr as they came
 */
export async function captureProgram(program, args, options = {}) {
  const parts = [];
  const code = await runProgramInto((part) => parts.push(part), program, args, options);
  return { code, output: Buffer.concat(parts).toString('utf8') };
}

/** Whether a process with this number lives, whoever owns it; false for what is no process number. */
export function isProcessAlive(pid) {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/**
 * A text that no other process of this machine has or had: its number, and on Linux when it began and in which boot.
 * @returns {string} `PID START BOOT`; the number alone where the system does not tell more, or the process is gone
 */
export function processIdentity(pid) {
  try {
    // The name in brackets may hold anything; the start, in clock ticks since the boot, is the 20th field after it.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1).split(' ');
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${pid} ${fields[19]} ${boot}`;
  } catch {
    return String(pid);
  }
}
