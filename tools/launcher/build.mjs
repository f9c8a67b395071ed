// Builds the pages into dist when a source is newer than the last build.

import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from './failure.mjs';
import { REPOSITORY, inRepository, packageBin } from './paths.mjs';
import { runProgram } from './processes.mjs';

const SOURCES = ['src', 'shaders', 'public', 'index.html', 'verify.html', 'vite.config.ts', 'package-lock.json'];

/** Where the built pages are. */
export const DIST = inRepository('dist');
/** Written last, so that a dist without it is not a finished build. */
const MARKER = '.lorikeet-build';

/** Latest change below a path in epoch ms. Folders count, because they change when a file is removed. */
function newestChange(path) {
  if (!existsSync(path)) return 0;
  const entry = statSync(path);
  if (!entry.isDirectory()) return entry.mtimeMs;
  return readdirSync(path).reduce((newest, name) => Math.max(newest, newestChange(join(path, name))), entry.mtimeMs);
}

function isCurrent() {
  const marker = join(DIST, MARKER);
  if (!existsSync(marker)) return false;
  return SOURCES.every((source) => newestChange(inRepository(source)) <= statSync(marker).mtimeMs);
}

/** Puts a finished build in place with two renames, so that a running server never sees half of one. */
function publish(built) {
  const old = `${built}-old`;
  if (existsSync(DIST)) renameSync(DIST, old);
  renameSync(built, DIST);
  rmSync(old, { recursive: true, force: true });
}

/**
 * Makes dist current; does nothing when no source changed since the last build.
 * @throws Failure when the build fails
 */
export async function ensureBuild() {
  if (isCurrent()) return;
  process.stdout.write('Building the page...\n');
  const startedAt = new Date();
  const built = inRepository('.cache', `build-${process.pid}`);
  mkdirSync(inRepository('.cache'), { recursive: true });
  const args = [
    packageBin('vite', 'bin', 'vite.js'),
    'build',
    '--outDir',
    built,
    '--emptyOutDir',
    '--logLevel',
    'warn',
  ];
  const code = await runProgram(process.execPath, args, { cwd: REPOSITORY });
  if (code !== 0) {
    rmSync(built, { recursive: true, force: true });
    throw new Failure(`the build ended with code ${code}; see the messages above.`);
  }
  writeFileSync(join(built, MARKER), '');
  // A source saved while the build ran must count as newer.
  utimesSync(join(built, MARKER), startedAt, startedAt);
  publish(built);
}
