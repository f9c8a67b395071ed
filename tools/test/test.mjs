// `npm test`: all tiers, from the checks that run nothing to the built page in a browser, and one line of counts; or
// the tests that are named, each by its tier.

import { readInteger } from '../launcher/arguments.mjs';
import { ensureBuild } from '../launcher/build.mjs';
import { Failure } from '../launcher/failure.mjs';
import { ensureBrowser } from '../launcher/installBrowser.mjs';
import { ensurePackages } from '../launcher/packages.mjs';
import { REPOSITORY } from '../launcher/paths.mjs';
import { runTogether, toStdout } from './sideBySide.mjs';
import { startLoad } from './load.mjs';
import { runStaticChecks } from './staticChecks.mjs';
import { findTests } from './testFiles.mjs';
import { runVitest } from './vitestTier.mjs';

export const options = {
  positional: 'PATH|NAME',
  fast: { type: 'boolean', about: 'only types and the tests that need no browser' },
  full: { type: 'boolean', about: 'the long tests too (npm run test:full)' },
  repeat: { type: 'string', value: 'N', about: 'run PATH or NAME N times, each in a process of its own' },
  load: { type: 'boolean', about: 'keep all processors busy meanwhile' },
};

/** @typedef {(write: import('./sideBySide.mjs').Write) => Promise<{passed: number, failed: number, skipped?: number}>} Work */

/** No tier keeps two processors busy, and they share nothing: every page under test has an origin and a profile of its own. */
const TIERS_AT_ONCE = 2;

/** The browser is looked for, and installed where there is none, once. */
let browser;

/** Runs a project of vitest after what it needs. */
async function runTests(project, which, write) {
  if (project !== 'node') await (browser ??= ensureBrowser());
  if (project === 'e2e') await ensureBuild();
  return runVitest(project, which, write);
}

/** @returns {Record<string, Work>} */
function allTiers({ fast = false, full = false }) {
  const tests = (project) => (write) => runTests(project, { long: full }, write);
  if (fast) return { static: (write) => runStaticChecks({ names: ['types'], write }), node: tests('node') };
  return {
    static: (write) => runStaticChecks({ write }),
    node: tests('node'),
    e2e: tests('e2e'),
    browser: tests('browser'),
  };
}

/** @returns {Record<string, Work>} one entry for each time and tier */
function namedTests(word, times) {
  // npm runs this in the repository; INIT_CWD is where the person is.
  const tiers = findTests(word, REPOSITORY, process.env.INIT_CWD);
  const runs = Array.from({ length: times }, (_, i) => (times > 1 ? ` ${i + 1}` : ''));
  const entries = runs.flatMap((run) =>
    Object.entries(tiers).map(([tier, which]) => [
      `${tier}${run}`,
      (write) => runTests(tier, { ...which, long: true }, write),
    ]),
  );
  return Object.fromEntries(entries);
}

/** Runs a tier; one that cannot run at all is one failure, and the others still run. */
async function runTier(name, work, write) {
  write(`\n== ${name}\n`);
  const startedAt = performance.now();
  let counts;
  try {
    counts = await work(write);
  } catch (error) {
    write(`${error.message}\n`);
    counts = { passed: 0, failed: 1 };
  }
  return { name, skipped: 0, ...counts, seconds: (performance.now() - startedAt) / 1000 };
}

function tierLine({ name, passed, failed, skipped, seconds }) {
  const extra = skipped > 0 ? `, ${skipped} skipped` : '';
  return `${name.padEnd(10)} ${passed} passed, ${failed} failed${extra}  ${seconds.toFixed(1)} s`;
}

/**
 * What the tiers have come to. Words that stand in no test's name, only where one might, make a tier without tests: that
 * is a failure only when nothing ran at all.
 * @param {{name: string, passed: number, failed: number, skipped: number, seconds: number}[]} results
 * @returns {{text: string, code: number}} the counts, those of all in the last line, and the exit code
 */
export function summaryOf(results) {
  const total = (key) => results.reduce((sum, result) => sum + result[key], 0);
  const [passed, failed] = [total('passed'), total('failed')];
  const nothing = passed + failed === 0 ? 'No test ran.\n' : '';
  const text = `${results.map(tierLine).join('\n')}\n\n${nothing}${passed} passed, ${failed} failed`;
  return { text, code: failed > 0 || nothing ? 1 : 0 };
}

/**
 * Runs all tiers and prints their counts and the sum, which is the last line.
 * @param {Record<string, Work>} works @param {number} atOnce how many run side by side
 */
async function runAll(works, atOnce) {
  const entries = Object.entries(works);
  const results = new Array(entries.length);
  const tasks = entries.map(
    ([name, work], i) =>
      async (write) =>
        void (results[i] = await runTier(name, work, write)),
  );
  await runTogether(tasks, toStdout, atOnce);
  const { text, code } = summaryOf(results);
  process.stdout.write(`\n${text}\n`);
  return code;
}

/** @returns {Record<string, Work>} */
function worksOf({ positional: word, repeat, fast, full }) {
  if (word === undefined) {
    if (repeat !== undefined)
      throw new Failure('--repeat needs a PATH or NAME.', 'npm test -- --repeat 20 e2e/runs.e2e.ts');
    return allTiers({ fast, full });
  }
  if (fast || full) throw new Failure('--fast and --full choose among all tests; a PATH or NAME has chosen already.');
  return namedTests(word, repeat === undefined ? 1 : readInteger('repeat', repeat, 1, 10_000));
}

/**
 * @param {{positional?: string, fast?: boolean, full?: boolean, repeat?: string, load?: boolean}} flags
 * @returns {Promise<number>} 0 when nothing failed
 */
export async function run(flags) {
  const works = worksOf(flags);
  await ensurePackages();
  const stopLoad = flags.load ? startLoad() : () => {};
  try {
    return await runAll(works, flags.positional === undefined ? TIERS_AT_ONCE : 1);
  } finally {
    stopLoad();
  }
}
