// The checks that run no code of ours: types, lint rules and layers, circles, unused files and exports, formatting.

import { REPOSITORY, packageBin } from '../launcher/paths.mjs';
import { captureProgram } from '../launcher/processes.mjs';
import { toStdout } from './sideBySide.mjs';

const CHECKS = {
  types: [packageBin('typescript', 'bin', 'tsc'), '--noEmit'],
  lint: [packageBin('eslint', 'bin', 'eslint.js'), '.'],
  circles: [packageBin('dependency-cruiser', 'bin', 'dependency-cruise.mjs'), 'src', 'e2e', 'tools'],
  unused: [packageBin('knip', 'bin', 'knip.js'), '--no-progress'],
  format: [packageBin('prettier', 'bin', 'prettier.cjs'), '--check', '--log-level', 'warn', '.'],
};

const FIXES = {
  lint: ['--fix'],
  format: ['--write'],
};

function argumentsOf(name, fix) {
  const args = CHECKS[name].filter((word) => !(fix && name === 'format' && word === '--check'));
  return fix ? [...args, ...(FIXES[name] ?? [])] : args;
}

/**
 * Runs checks one after the other and writes what they object to.
 * @param {{names?: string[], fix?: boolean, write?: import('./sideBySide.mjs').Write}} options `names`: which, by default all;
 *   `fix`: repair what can be
 * @returns {Promise<{passed: number, failed: number}>} counts of checks
 */
export async function runStaticChecks({ names = Object.keys(CHECKS), fix = false, write = toStdout } = {}) {
  let failed = 0;
  for (const name of names) {
    const startedAt = performance.now();
    const { code, output } = await captureProgram(process.execPath, argumentsOf(name, fix), { cwd: REPOSITORY });
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    write(`${code === 0 ? 'ok  ' : 'FAIL'}  ${name}  ${seconds} s\n`);
    if (code === 0) continue;
    failed += 1;
    write(`${output.trimEnd()}\n`);
  }
  return { passed: names.length - failed, failed };
}
