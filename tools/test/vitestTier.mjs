// Runs one vitest project and counts its tests.

import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { REPOSITORY, inRepository, packageBin } from '../launcher/paths.mjs';
import { runProgram } from '../launcher/processes.mjs';

/** Counts in vitest's report; null when vitest died before writing it. */
function readReport(path) {
  try {
    const report = JSON.parse(readFileSync(path, 'utf8'));
    return { passed: report.numPassedTests, failed: report.numFailedTests, skipped: report.numPendingTests };
  } catch {
    return null;
  }
}

/**
 * Runs a project of vitest.config.ts.
 * @param {string} project its name
 * @returns {Promise<{passed: number, failed: number, skipped: number}>} counts of tests; a file that cannot be loaded,
 *   or an error outside a test, counts as one failed test
 */
export async function runVitest(project) {
  mkdirSync(inRepository('.cache'), { recursive: true });
  const report = inRepository('.cache', `tests-${project}.json`);
  rmSync(report, { force: true });
  const args = ['run', '--project', project, '--passWithNoTests', '--reporter=default', '--reporter=json'];
  const vitest = packageBin('vitest', 'vitest.mjs');
  const code = await runProgram(process.execPath, [vitest, ...args, `--outputFile.json=${report}`], {
    cwd: REPOSITORY,
  });
  const counts = readReport(report) ?? { passed: 0, failed: 0, skipped: 0 };
  return code !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}
