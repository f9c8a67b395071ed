// `npm run build`: the app as files for any static host.

import { DIST, ensureBuild } from './build.mjs';
import { ensurePackages } from './packages.mjs';

export const options = {};

/** @returns {Promise<number>} 0; a build that fails throws */
export async function run() {
  await ensurePackages();
  await ensureBuild();
  process.stdout.write(`${DIST} is up to date.\nServe it with the headers in its _headers file: docs/hosting.md.\n`);
  return 0;
}
