// Runs one vitest project and counts its tests.

import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { REPOSITORY, inRepository, packageBin } from '../launcher/paths.mjs';
import { runProgramInto } from '../launcher/processes.mjs';

/** @typedef {{passed: number, failed: number, skipped: number}} Counts */

/** A pipe has no colors of its own. */
const COLOR = process.stdout.isTTY ? { FORCE_COLOR: '1' } : {};

/** Counts in vitest's report; null when vitest died before writing it. */
function readReport(path) {
  try {
    const report = JSON.parse(readFileSync(path, 'utf8'));
    return { passed: report.numPassedTests, failed: report.numFailedTests, skipped: report.numPendingTests };
  } catch {
    return null;
  }
}

function argumentsOf(project, report, { files = [], name = null }) {
  const only = name === null ? [] : ['--testNamePattern', name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')];
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  return ['run', '--project', project, ...reporters, ...only, ...files];
}

/**
 * A file that cannot be loaded and an error outside a test count as one failed test, and so does no test at all, unless
 * tests were chosen by name: another tier may have those.
 * @param {Counts | null} report @param {number} code vitest's exit code @param {boolean} named
 * @returns {Counts}
 */
export function countsOf(report, code, named) {
  const counts = report ?? { passed: 0, failed: 0, skipped: 0 };
  const wanting = report === null || (!named && counts.passed + counts.failed === 0);
  return (code !== 0 || wanting) && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}

/**
 * Runs a project of vitest.config.ts.
 * @param {string} project its name
 * @param {{files?: string[], name?: string | null, long?: boolean}} which by default all of its tests but the long
 *   ones; `files`: paths from the repository; `name`: a part of the tests' names
 * @param {import('./sideBySide.mjs').Write} write is given vitest's output
 * @returns {Promise<Counts>} counts of tests, as `countsOf` sees them
 */
export async function runVitest(project, { files, name = null, long = false }, write) {
  mkdirSync(inRepository('.cache'), { recursive: true });
  const report = inRepository('.cache', `tests-${project}.json`);
  rmSync(report, { force: true });
  const args = argumentsOf(project, report, { files, name });
  const code = await runProgramInto(write, process.execPath, [packageBin('vitest', 'vitest.mjs'), ...args], {
    cwd: REPOSITORY,
    env: { ...process.env, ...COLOR, LORIKEET_TESTS: long ? 'all' : 'short' },
  });
  return countsOf(readReport(report), code, name !== null);
}
