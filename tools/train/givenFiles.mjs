// The files that a person named, with the names that their folder shows and the real paths behind them. Links are
// followed here: a browser drops them from a folder without a word, and in model caches every file is one.

import { accessSync, constants, readdirSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Failure } from '../launcher/failure.mjs';

/**
 * @typedef {object} GivenFile
 * @property {string} name `/`-separated, as the folder shows it
 * @property {string} path absolute and real: no part of it is a link
 */

/** Links to folders can multiply what is below them; no data set or model has so many files. */
const MAX_FILES = 500_000;

/** What a path leads to; null for what is neither a file nor a folder, such as a socket. */
function lookAt(path) {
  const status = statSync(path);
  if (status.isDirectory()) return 'folder';
  return status.isFile() ? 'file' : null;
}

/** Why an entry cannot be used, in words. */
function reasonOf(path, error) {
  if (error.code === 'ELOOP') return 'is a link that leads back to itself';
  if (error.code === 'ENOENT') return `is a link to ${readlinkSync(path)}, which is not there`;
  return `cannot be read (${error.code ?? error.message})`;
}

/** A hidden entry is an editor's or a system's own: nothing that a row or a model's index would name. */
function isHidden(name) {
  return basename(name).startsWith('.');
}

/** The walk of one folder; `above` holds the real paths of the folders on the way down to it. */
function walk(folder, prefix, above, state) {
  const real = realpathSync(folder);
  if (above.includes(real)) return;
  for (const entry of readdirSync(folder).sort()) {
    take(join(folder, entry), prefix + entry, [...above, real], state);
  }
}

function take(path, name, above, { deep, files, broken }) {
  try {
    const kind = lookAt(path);
    if (kind === 'folder' && deep) walk(path, `${name}/`, above, { deep, files, broken });
    if (kind !== 'file') return;
    accessSync(path, constants.R_OK);
    files.push({ name, path: realpathSync(path) });
  } catch (error) {
    if (error instanceof Failure) throw error;
    if (!isHidden(name)) broken.push(`${name} ${reasonOf(path, error)}`);
  }
  if (files.length > MAX_FILES) throw new Failure(`${above[0]} holds more than ${MAX_FILES} files.`);
}

/**
 * Lists the files of a folder, links followed, in the order of their names. A link back to a folder above itself is
 * left out; its files are listed where they are.
 * @param {string} flag for messages, e.g. `--data pictures`
 * @param {string} folder absolute path
 * @param {{deep: boolean}} options `deep`: with what is in its folders
 * @returns {GivenFile[]} at least one, named from inside the folder
 * @throws Failure when something in it cannot be read, by name, or when there is no file
 */
export function listFolder(flag, folder, { deep }) {
  const state = { deep, files: [], broken: [] };
  try {
    walk(folder, '', [], state);
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(`${flag}: ${folder} cannot be read (${error.code ?? error.message}).`);
  }
  const { files, broken } = state;
  if (broken.length > 0) {
    const more = broken.length > 5 ? ` (and ${broken.length - 5} more)` : '';
    throw new Failure(
      `${flag}: ${broken.slice(0, 5).join('; ')}${more}.`,
      'Bring the missing files, or take the entries out of the folder.',
    );
  }
  if (files.length === 0) throw new Failure(`${flag}: there are no files in ${folder}.`);
  return files;
}

/**
 * Lists what a flag names: a folder with everything below it, or one file.
 * @param {string} flag for messages @param {string} path absolute
 * @returns {GivenFile[]} named from the folder's own name on, as a picker of folders names them
 * @throws Failure as listFolder does
 */
export function listTree(flag, path) {
  const top = basename(path) || 'data';
  if (lookAt(path) === 'folder') {
    return listFolder(flag, path, { deep: true }).map((file) => ({ ...file, name: `${top}/${file.name}` }));
  }
  try {
    accessSync(path, constants.R_OK);
  } catch (error) {
    throw new Failure(`${flag}: ${path} cannot be read (${error.code}).`);
  }
  return [{ name: top, path: realpathSync(path) }];
}
