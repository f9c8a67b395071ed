// Replaces a file as a whole: after a crash at any moment the old content is there or the new one, never a mixture.

import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Where the new content grows; one that a crash left behind is overwritten by the next attempt. */
export function partOf(path) {
  return `${path}.part`;
}

async function syncToDisk(path, flags) {
  const handle = await open(path, flags);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes a rename last through a power cut. Systems that cannot open a folder order renames by themselves. */
async function syncFolder(folder) {
  try {
    await syncToDisk(folder, 'r');
  } catch (error) {
    if (!['EISDIR', 'EPERM', 'EACCES', 'EINVAL', 'ENOTSUP'].includes(error.code)) throw error;
  }
}

/**
 * Replaces `path` by what `fill` writes. Only one call per path may be under way.
 * @param {string} path absolute
 * @param {(part: string) => Promise<void>} fill writes the whole new content to the path that it is given
 * @throws what `fill` or the file system throws; the old content is untouched then
 */
export async function replaceFile(path, fill) {
  const part = partOf(path);
  await mkdir(dirname(path), { recursive: true });
  try {
    await fill(part);
    await syncToDisk(part, 'r+');
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true }).catch(() => {});
    throw error;
  }
  await syncFolder(dirname(path));
}
