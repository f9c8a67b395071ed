// The commands behind `npm start`, `npm run train`, `npm test` and the rest. Uses Node's own modules only, because it
// runs before anything is installed. It picks the command; the work is in launcher/, train/ and test/.

import { readArguments } from './arguments.mjs';
import { Failure, failureText } from './failure.mjs';

/** One entry per command; loaded on demand, since some need packages that `install` brings first. */
const COMMANDS = {
  start: () => import('./start.mjs'),
  train: () => import('../train/train.mjs'),
  dev: () => import('./dev.mjs'),
  build: () => import('./buildPage.mjs'),
  test: () => import('../test/test.mjs'),
  verify: () => import('../verify/verify.mjs'),
  bench: () => import('../bench/bench.mjs'),
  lint: () => import('../test/lint.mjs'),
  prove: () => import('../prove/prove.mjs'),
  'make:synthetic': () => import('../synthetic/synthetic.mjs'),
  isa: () => import('../isa/isa.mjs'),
  'test:lavapipe': () => import('../lavapipe/lavapipe.mjs'),
  parity: () => import('../parity/parity.mjs'),
};

async function runCommand([name, ...rest]) {
  const load = Object.hasOwn(COMMANDS, name ?? '') ? COMMANDS[name] : null;
  if (load === null) {
    throw new Failure(`unknown command ${name ?? '(none)'}; one of: ${Object.keys(COMMANDS).join(', ')}`);
  }
  const command = await load();
  const options = readArguments(name, command.options, rest);
  return options === null ? 0 : command.run(options);
}

/**
 * Runs a command to its end; what goes wrong is printed.
 * @param {string[]} words the command's name, then its flags
 * @returns {Promise<number>} exit code
 */
export async function main(words) {
  try {
    return await runCommand(words);
  } catch (error) {
    process.stderr.write(`${failureText(error)}\n`);
    return 1;
  }
}
