// Keeps all processors busy, so that a test that waits by time instead of by state shows itself.

import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';

/** Busy until its input ends, which it does however the process that holds the other end dies. */
const LOOP = `
process.stdin.resume().on('end', () => process.exit());
setInterval(() => { for (const began = Date.now(); Date.now() - began < 100; ); }, 0);
`;

/**
 * Starts a loop without end for each processor.
 * @returns {() => void} ends them
 */
export function startLoad() {
  const loops = Array.from({ length: availableParallelism() }, () =>
    spawn(process.execPath, ['-e', LOOP], { stdio: ['pipe', 'ignore', 'ignore'] }),
  );
  const stop = () => loops.forEach((loop) => loop.kill('SIGKILL'));
  // A Ctrl-C that ends this process must not leave them behind.
  process.once('exit', stop);
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
  return stop;
}
