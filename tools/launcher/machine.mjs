// What the launcher asks of the machine that it runs on. Tests hand in another one.

import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

/**
 * @typedef {object} Machine
 * @property {NodeJS.Platform} platform
 * @property {NodeJS.ProcessEnv} env
 * @property {string} home
 * @property {boolean} isRoot
 * @property {(path: string) => boolean} exists
 * @property {(path: string) => boolean} isExecutable a file that may be run
 * @property {(path: string) => string[]} list names in a folder; none when there is no such folder
 */

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** @type {Machine} */
export const THIS_MACHINE = {
  platform: process.platform,
  env: process.env,
  home: homedir(),
  isRoot: process.getuid?.() === 0,
  exists: existsSync,
  isExecutable,
  list: (folder) => (existsSync(folder) ? readdirSync(folder) : []),
};

/** The functions on paths of a machine's system. @param {Machine} machine */
export function pathsOf({ platform }) {
  return platform === 'win32' ? path.win32 : path.posix;
}
