// The launcher behind `npm start`, `npm run train`, `npm test` and the rest. Uses Node's own modules only, because
// it runs before anything is installed. It picks the command; the work is in launcher/, train/ and test/.

import { readArguments } from './launcher/arguments.mjs';
import { failureText } from './launcher/failure.mjs';

const OLDEST_NODE = 20;

/** One entry per command; loaded on demand, since some need packages that `install` brings first. */
const COMMANDS = {
  start: () => import('./launcher/start.mjs'),
  train: () => import('./train/train.mjs'),
  dev: () => import('./launcher/dev.mjs'),
  build: () => import('./launcher/buildPage.mjs'),
  test: () => import('./test/test.mjs'),
  verify: () => import('./verify/verify.mjs'),
  bench: () => import('./bench/bench.mjs'),
  lint: () => import('./test/lint.mjs'),
  parity: () => import('./parity/parity.mjs'),
};

async function main([name, ...rest]) {
  if (Number(process.versions.node.split('.')[0]) < OLDEST_NODE) {
    throw new Error(`Lorikeet needs Node ${OLDEST_NODE} or later; this is Node ${process.versions.node}.`);
  }
  const load = Object.hasOwn(COMMANDS, name ?? '') ? COMMANDS[name] : null;
  if (load === null)
    throw new Error(`unknown command ${name ?? '(none)'}; one of: ${Object.keys(COMMANDS).join(', ')}`);
  const command = await load();
  const options = readArguments(name, command.options, rest);
  return options === null ? 0 : command.run(options);
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${failureText(error)}\n`);
  process.exitCode = 1;
}
