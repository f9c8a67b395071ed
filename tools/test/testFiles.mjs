// Which tier a test file belongs to, and which test files a word of `npm test -- WORD` means. The names decide; the
// patterns of vitest.config.ts are these.

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { Failure } from '../launcher/failure.mjs';

/** Folders that hold tests. */
const ROOTS = ['src', 'tools', 'e2e'];
/** In the order in which tiers run, and tried in this order from the last. */
const TIERS = { node: /\.test\.(ts|tsx|mjs)$/, browser: /\.browser\.test\.tsx?$/, e2e: /\.e2e\.ts$/ };

/**
 * @param {string} path of a file
 * @returns {'node' | 'browser' | 'e2e' | null} null: no test file
 */
export function tierOf(path) {
  const found = Object.keys(TIERS).filter((tier) => TIERS[tier].test(path));
  return found.at(-1) ?? null;
}

function filesBelow(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** The tests of a source file stand beside it: `head.ts` has `head.test.ts`, `head.browser.test.ts`. */
function besideSource(path) {
  const stem = basename(path).split('.')[0];
  const names = readdirSync(dirname(path)).filter((name) => name.split('.')[0] === stem);
  return names.map((name) => join(dirname(path), name));
}

/** Test files at a path: itself, those in a folder, or those beside a source file. */
function filesAt(path) {
  if (statSync(path).isDirectory()) return filesBelow(path);
  return tierOf(path) === null ? besideSource(path) : [path];
}

/** A string that is the first thing in brackets, as a test's name is. */
const FIRST_STRING = /\(\s*(['"`])((?:\\.|(?!\1)[^\\])*)\1/g;

/** Files in which a text stands where the name of a test does. */
function filesThatSay(root, text) {
  const says = (file) =>
    [...readFileSync(file, 'utf8').matchAll(FIRST_STRING)].some(([, , name]) => name.includes(text));
  const files = ROOTS.flatMap((name) => filesBelow(join(root, name)));
  return files.filter((file) => tierOf(file) !== null && says(file));
}

function byTier(root, files) {
  const tiers = {};
  for (const file of files) {
    const tier = tierOf(file);
    if (tier !== null) (tiers[tier] ??= []).push(relative(root, file).split(sep).join('/'));
  }
  return Object.fromEntries(Object.keys(TIERS).flatMap((tier) => (tiers[tier] ? [[tier, tiers[tier].sort()]] : [])));
}

/**
 * What a word means: a path, or else a part of tests' names.
 * @param {string} word @param {string} root the repository @param {string} [from] folder that a path is relative to
 * @returns {Partial<Record<'node' | 'browser' | 'e2e', {files: string[], name: string | null}>>} by tier; `files`: paths
 *   from the repository; `name`: only tests with this in their names. Tests of an e2e file build on each other, so there
 *   files run whole
 * @throws Failure when it means no test
 */
export function findTests(word, root, from = root) {
  const path = [resolve(from, word), resolve(root, word)].find((candidate) => existsSync(candidate));
  const tiers = byTier(root, path === undefined ? filesThatSay(root, word) : filesAt(path));
  const nameIn = (tier) => (path === undefined && tier !== 'e2e' ? word : null);
  const found = Object.entries(tiers).map(([tier, files]) => [tier, { files, name: nameIn(tier) }]);
  if (found.length > 0) return Object.fromEntries(found);
  throw path === undefined
    ? new Failure(
        `no test has "${word}" in its name, and there is no such path.`,
        'Give a path, or words of a test’s name.',
      )
    : new Failure(`${word} has no tests.`, 'Tests stand beside the file and share its name: docs/testing.md.');
}
