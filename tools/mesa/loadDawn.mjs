// Loads Dawn from the folder that LORIKEET_DAWN names.

import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** @returns {Promise<{create: (flags: string[]) => GPU, globals: object}>} npm's `webgpu` @throws without that folder */
export async function loadDawn() {
  const folder = process.env.LORIKEET_DAWN;
  if (!folder) throw new Error('LORIKEET_DAWN is not set: tools/mesa/README.md says what it names');
  const entry = createRequire(join(folder, 'package.json')).resolve('webgpu');
  return import(pathToFileURL(entry).href);
}
