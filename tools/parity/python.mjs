// TRL's side: a Python of its own with pinned packages, and the runs it makes.

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../launcher/failure.mjs';
import { inRepository } from '../launcher/paths.mjs';
import { captureProgram, runProgram } from '../launcher/processes.mjs';

const HERE = inRepository('tools', 'parity');
const CACHE = inRepository('.cache', 'parity');
const REQUIREMENTS = join(HERE, 'requirements.txt');
/** Written last, so that an unfinished installation is done again. */
const MARKER = join(CACHE, 'venv', '.installed');

async function mustRun(program, args, hint) {
  const code = await runProgram(program, args, { env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' } });
  if (code !== 0) throw new Failure(`${program} ${args.slice(0, 3).join(' ')} ended with code ${code}.`, hint);
}

/** The environment of this command, made when it is missing or the pinned versions changed. */
async function ownPython() {
  const python = join(CACHE, 'venv', ...(process.platform === 'win32' ? ['Scripts', 'python.exe'] : ['bin', 'python']));
  const wanted = readFileSync(REQUIREMENTS, 'utf8');
  if (existsSync(MARKER) && readFileSync(MARKER, 'utf8') === wanted) return python;
  process.stdout.write(`Installing TRL and what it needs into ${join(CACHE, 'venv')} (about 1 GB, once)...\n`);
  rmSync(join(CACHE, 'venv'), { recursive: true, force: true });
  mkdirSync(CACHE, { recursive: true });
  const hint = 'Python 3.11 with venv and pip is needed; --python names one that has the packages.';
  await mustRun(process.platform === 'win32' ? 'python' : 'python3', ['-m', 'venv', join(CACHE, 'venv')], hint);
  await mustRun(python, ['-m', 'pip', 'install', '--quiet', '-r', REQUIREMENTS], hint);
  writeFileSync(MARKER, wanted);
  return python;
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
