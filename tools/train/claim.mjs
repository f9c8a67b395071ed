// One runner per output folder: two would save their run files over each other.

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure } from '../launcher/failure.mjs';
import { isProcessAlive, processIdentity } from '../launcher/processes.mjs';

/** Holds the identity of the runner that works in the folder: its number comes first. */
export const CLAIM = 'runner.pid';

/** Whether the claim could be made; false when there is one already. */
function tryClaim(path) {
  try {
    writeFileSync(path, `${processIdentity(process.pid)}\n`, { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw new Failure(`${path} cannot be written: ${error.message}`);
  }
}

/** What is in a claim; empty when it is gone or was never written. */
function readClaim(path) {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}

/**
 * Whether the runner that made a claim still lives. A number alone does not tell: containers begin to count anew, so
 * that the next runner may have the number of the one that was killed.
 */
function isHeld(claim) {
  const owner = Number.parseInt(claim, 10);
  if (!isProcessAlive(owner)) return false;
  const now = processIdentity(owner);
  // A claim of an older Lorikeet, or of a system without start times, is a number.
  return /^\d+$/.test(claim) || now === String(owner) ? owner !== process.pid : claim === now;
}

/**
 * Claims an output folder for this process. The claim of a runner that was killed is taken over.
 * @param {string} folder absolute path
 * @returns {() => void} gives the folder back, unless that has been done or the claim is another's by now
 * @throws Failure when another runner that lives works there
 */
export function claimFolder(folder) {
  const path = join(folder, CLAIM);
  for (let attempt = 0; !tryClaim(path); attempt++) {
    const claim = readClaim(path);
    if (isHeld(claim) || attempt === 2) {
      throw new Failure(
        `${folder} is in use by another npm run train (process ${Number.parseInt(claim, 10)}).`,
        `Wait for it, or give another --out. If that process is something else, delete ${path}.`,
      );
    }
    rmSync(path, { force: true });
  }
  const own = readClaim(path);
  let held = true;
  return () => {
    if (held && readClaim(path) === own) rmSync(path, { force: true });
    held = false;
  };
}
