// Installs the npm packages of the lockfile when they are missing or older than it. Never changes the lockfile.

import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { Failure } from './failure.mjs';
import { REPOSITORY, inRepository } from './paths.mjs';
import { runProgram } from './processes.mjs';

const LOCK = inRepository('package-lock.json');
/** npm writes this at the very end of an installation. */
const INSTALLED = inRepository('node_modules', '.package-lock.json');
/** The hash of the lockfile that was installed: times change with every checkout, content does not. */
const MARKER = inRepository('node_modules', '.lorikeet-lock');

function lockHash() {
  return createHash('sha256').update(readFileSync(LOCK)).digest('hex');
}

function isCurrent() {
  if (!existsSync(INSTALLED)) return false;
  if (existsSync(MARKER) && readFileSync(MARKER, 'utf8') === lockHash()) return true;
  return statSync(INSTALLED).mtimeMs >= statSync(LOCK).mtimeMs;
}

/**
 * Makes node_modules agree with package-lock.json; does nothing, offline too, when it already does.
 * @throws Failure when npm fails
 */
export async function ensurePackages() {
  if (isCurrent()) return;
  process.stdout.write('Installing the npm packages of package-lock.json (once, about 30 s)...\n');
  // Under `npm run` this is the very npm that was called.
  const npm = process.env.npm_execpath;
  // Without --include=dev a NODE_ENV of `production` would leave out the build tools.
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  const code = npm?.endsWith('.js')
    ? await runProgram(process.execPath, [npm, ...args], { cwd: REPOSITORY })
    : await runProgram('npm', args, { cwd: REPOSITORY });
  if (code !== 0) {
    throw new Failure(
      `npm ci ended with code ${code}.`,
      'The first start needs the npm registry: check the network and npm config get registry, then try again.',
    );
  }
  writeFileSync(MARKER, lockHash());
}
