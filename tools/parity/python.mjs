// TRL's side: a Python of its own with pinned packages, and the runs it makes.

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../launcher/failure.mjs';
import { inRepository } from '../launcher/paths.mjs';
import { captureProgram } from '../launcher/processes.mjs';
import { ensureVenv, mustRun } from '../launcher/venv.mjs';

const HERE = inRepository('tools', 'parity');
const CACHE = inRepository('.cache', 'parity');

/** The environment of this command. */
function ownPython() {
  return ensureVenv({
    folder: join(CACHE, 'venv'),
    requirements: join(HERE, 'requirements.txt'),
    brings: 'TRL and what it needs (about 1 GB)',
    hint: 'Python 3.11 with venv and pip is needed; --python names one that has the packages.',
  });
}

/** Worst differences of TRL's float32 from its float64, by run. */
async function measureNoise(python, single, double) {
  const { code, output } = await captureProgram(python, [join(HERE, 'noise.py'), single, double]);
  if (code !== 0) throw new Failure(`noise.py ended with code ${code}: ${output.trim().split('\n').at(-1)}`);
  return JSON.parse(output);
}

/**
 * Runs TRL in float32, and once more in float64 for the noise.
 * @param {string} [given] a Python that has the packages
 * @returns {Promise<{folder: string, noise: object}>} folder of the float32 runs
 * @throws Failure when Python, an installation or a run fails
 */
export async function makeTrlRuns(given) {
  const python = given ?? (await ownPython());
  const single = join(CACHE, 'float32');
  const double = join(CACHE, 'float64');
  for (const folder of [single, double]) rmSync(folder, { recursive: true, force: true });
  const run = [join(HERE, 'run_trl.py'), '--demo', inRepository('public', 'demo')];
  process.stdout.write('TRL in float32...\n');
  await mustRun(python, [...run, '--out', single]);
  process.stdout.write('TRL in float64, for the noise of float32...\n');
  await mustRun(python, [...run, '--out', double, '--dtype', 'float64', '--starts', single]);
  return { folder: single, noise: await measureNoise(python, single, double) };
}
