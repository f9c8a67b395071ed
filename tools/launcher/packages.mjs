// Installs the npm packages of the lockfile when they are missing or older than it. Never changes the lockfile.

import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { Failure } from './failure.mjs';
import { THIS_MACHINE } from './machine.mjs';
import { REPOSITORY, inRepository } from './paths.mjs';
import { runProgram } from './processes.mjs';

const LOCK = inRepository('package-lock.json');
/** npm writes this at the very end of an installation. */
const INSTALLED = inRepository('node_modules', '.package-lock.json');
/** The hash of the lockfile that was installed: times change with every checkout, content does not. */
const MARKER = inRepository('node_modules', '.lorikeet-lock');

/** Without --include=dev a NODE_ENV of `production` would leave out the build tools. */
const CI = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];

/**
 * How to run npm: under `npm run` the very npm that was called, else the one of PATH, which is a script of cmd.exe on
 * Windows.
 * @param {string[]} args plain words
 * @returns {{program: string, args: string[], shell: boolean}}
 */
export function npmCommand(args, { platform, env } = THIS_MACHINE) {
  const running = env.npm_execpath;
  if (running && /[\\/]npm-cli\.c?js$/.test(running)) {
    return { program: process.execPath, args: [running, ...args], shell: false };
  }
  const windows = platform === 'win32';
  return { program: windows ? 'npm.cmd' : 'npm', args, shell: windows };
}

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
  const { program, args, shell } = npmCommand(CI);
  const code = await runProgram(program, args, { cwd: REPOSITORY, shell });
  if (code !== 0) {
    throw new Failure(
      `npm ci ended with code ${code}.`,
      'The first start needs the npm registry: check the network and npm config get registry, then try again.',
    );
  }
  writeFileSync(MARKER, lockHash());
}
