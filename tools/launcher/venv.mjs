// A Python environment of a command's own below .cache, with pinned packages.

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Failure } from './failure.mjs';
import { runProgram } from './processes.mjs';

const WINDOWS = process.platform === 'win32';

/**
 * Runs a program with this terminal's output.
 * @throws Failure with `hint` when it fails
 */
export async function mustRun(program, args, hint) {
  const code = await runProgram(program, args, { env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' } });
  if (code !== 0) throw new Failure(`${program} ${args.slice(0, 3).join(' ')} ended with code ${code}.`, hint);
}

/**
 * The environment in `folder`, made when it is missing or its pinned versions changed.
 * @param {{folder: string, requirements: string, brings: string, hint: string}} what `requirements`: pip's file;
 *   `brings`: what it installs, for the terminal; `hint`: what to do when it fails
 * @returns {Promise<string>} its Python @throws Failure when Python or pip fails
 */
export async function ensureVenv({ folder, requirements, brings, hint }) {
  const python = join(folder, ...(WINDOWS ? ['Scripts', 'python.exe'] : ['bin', 'python']));
  // Written last, so that an unfinished installation is done again.
  const marker = join(folder, '.installed');
  const wanted = readFileSync(requirements, 'utf8');
  if (existsSync(marker) && readFileSync(marker, 'utf8') === wanted) return python;
  process.stdout.write(`Installing ${brings} into ${folder} (once)...\n`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(dirname(folder), { recursive: true });
  await mustRun(WINDOWS ? 'python' : 'python3', ['-m', 'venv', folder], hint);
  await mustRun(python, ['-m', 'pip', 'install', '--quiet', '-r', requirements], hint);
  writeFileSync(marker, wanted);
  return python;
}
