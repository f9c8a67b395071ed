// Dawn, Chrome's WebGPU with its shader compiler, for Node: npm's `webgpu`, which is no dependency of the product.

import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Failure } from '../launcher/failure.mjs';
import { npmCommand } from '../launcher/packages.mjs';
import { inRepository } from '../launcher/paths.mjs';
import { runProgram } from '../launcher/processes.mjs';

const CACHE = inRepository('.cache', 'dawn');
export const DAWN_VERSION = '0.6.2';

/** The version that is installed in `folder`, or null. */
function installedVersion(folder) {
  const file = join(folder, 'node_modules', 'webgpu', 'package.json');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).version : null;
}

/**
 * Installed once; LORIKEET_DAWN names a folder in which `npm install webgpu` was run.
 * @returns {Promise<string>} the folder, for `loadDawn.mjs` @throws Failure when npm fails
 */
export async function ensureDawn() {
  const given = process.env.LORIKEET_DAWN;
  if (given) return resolve(process.env.INIT_CWD ?? '.', given);
  if (installedVersion(CACHE) === DAWN_VERSION) return CACHE;
  process.stdout.write(`Installing webgpu ${DAWN_VERSION} into ${CACHE} (once)...\n`);
  mkdirSync(CACHE, { recursive: true });
  const install = ['install', '--no-audit', '--no-fund', '--loglevel=error', '--prefix', CACHE];
  const { program, args, shell } = npmCommand([...install, `webgpu@${DAWN_VERSION}`]);
  const code = await runProgram(program, args, { cwd: CACHE, shell });
  if (code !== 0) throw new Failure(`npm install webgpu ended with code ${code}.`, 'The npm registry is needed once.');
  return CACHE;
}
