// Builds pages when a source is newer than their last build.

import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Failure } from './failure.mjs';
import { REPOSITORY, inRepository, packageBin } from './paths.mjs';
import { runProgram } from './processes.mjs';

/** Where the built app is: all that a host needs, and nothing else. */
export const DIST = inRepository('dist');
/** Where the built page of `npm run verify` is. */
export const VERIFY_DIST = inRepository('.cache', 'verify-page');

/** A build's folder, and Vite's mode for it (vite.config.ts says what a mode holds). */
const BUILDS = {
  page: { folder: DIST, mode: 'production' },
  verify: { folder: VERIFY_DIST, mode: 'verify' },
};

const SOURCES = [
  ...['src', 'shaders', 'public', 'index.html', 'verify.html', 'vite.config.ts', 'package-lock.json'],
  // What goes into the headers file of the build.
  ...['tools/vite', 'tools/launcher/headers.mjs'],
];
/** Written last, so that a folder without it is not a finished build. */
const MARKER = '.lorikeet-build';

/** Latest change below a path in epoch ms. Folders count, because they change when a file is removed. */
function newestChange(path) {
  if (!existsSync(path)) return 0;
  const entry = statSync(path);
  if (!entry.isDirectory()) return entry.mtimeMs;
  return readdirSync(path).reduce((newest, name) => Math.max(newest, newestChange(join(path, name))), entry.mtimeMs);
}

function isCurrent(folder) {
  const marker = join(folder, MARKER);
  if (!existsSync(marker)) return false;
  return SOURCES.every((source) => newestChange(inRepository(source)) <= statSync(marker).mtimeMs);
}

/** Puts a finished build in place with two renames, so that a running server never sees half of one. */
function publish(built, folder) {
  const old = `${built}-old`;
  mkdirSync(dirname(folder), { recursive: true });
  if (existsSync(folder)) renameSync(folder, old);
  renameSync(built, folder);
  rmSync(old, { recursive: true, force: true });
}

/** @returns {Promise<number>} Vite's exit code */
function runVite(outDir, mode) {
  const vite = packageBin('vite', 'bin', 'vite.js');
  const args = [vite, 'build', '--mode', mode, '--outDir', outDir, '--emptyOutDir', '--logLevel', 'warn'];
  return runProgram(process.execPath, args, { cwd: REPOSITORY });
}

/**
 * Makes a build current; does nothing when no source changed since the last one.
 * @param {'page' | 'verify'} [name] which
 * @throws Failure when the build fails
 */
export async function ensureBuild(name = 'page') {
  const { folder, mode } = BUILDS[name];
  if (isCurrent(folder)) return;
  process.stdout.write('Building the page...\n');
  const startedAt = new Date();
  const built = inRepository('.cache', `build-${name}-${process.pid}`);
  mkdirSync(inRepository('.cache'), { recursive: true });
  const code = await runVite(built, mode);
  if (code !== 0) {
    rmSync(built, { recursive: true, force: true });
    throw new Failure(`the build ended with code ${code}; see the messages above.`);
  }
  writeFileSync(join(built, MARKER), '');
  // A source saved while the build ran must count as newer.
  utimesSync(join(built, MARKER), startedAt, startedAt);
  publish(built, folder);
}
