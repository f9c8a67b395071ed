// Where things are in this repository.

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Absolute path of the repository, without a slash at its end. */
export const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url)).replace(/[\\/]$/, '');

/** @param {...string} parts path inside the repository @returns {string} absolute path */
export function inRepository(...parts) {
  return join(REPOSITORY, ...parts);
}

/** Absolute path of the JavaScript file behind a package's command, to be run by this Node. */
export function packageBin(...parts) {
  return inRepository('node_modules', ...parts);
}
