// One runner per output folder: two would save their run files over each other.

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../launcher/failure.mjs';
import { isProcessAlive } from '../launcher/processes.mjs';

/** Holds the process number of the runner that works in the folder. */
export const CLAIM = 'runner.pid';

/** Whether the claim could be made; false when there is one already. */
function tryClaim(path) {
  try {
    writeFileSync(path, `${process.pid}\n`, { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw new Failure(`${path} cannot be written: ${error.message}`);
  }
}

/** The process number in a claim; NaN when it is gone or was never written whole. */
function ownerOf(path) {
  try {
    return Number.parseInt(readFileSync(path, 'utf8'), 10);
  } catch {
    return NaN;
  }
}

/**
 * Claims an output folder for this process. The claim of a runner that was killed is taken over.
 * @param {string} folder absolute path
 * @returns {() => void} gives the folder back
 * @throws Failure when another runner that lives works there
 */
export function claimFolder(folder) {
  const path = join(folder, CLAIM);
  for (let attempt = 0; !tryClaim(path); attempt++) {
    const owner = ownerOf(path);
    if (isProcessAlive(owner) || attempt === 2) {
      throw new Failure(
        `${folder} is in use by another npm run train (process ${owner}).`,
        `Wait for it, or give another --out. If that process is something else, delete ${path}.`,
      );
    }
    rmSync(path, { force: true });
  }
  return () => rmSync(path, { force: true });
}
