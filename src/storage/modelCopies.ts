// Copies of base models as a GPU takes them: one file each in a folder of the private file system, a record in
// IndexedDB. A copy counts with both: its record is made when all of it was written. Writing is modelCopyFile.ts's.

import { get, values } from 'idb-keyval';
import { blobBytes } from '../base/blobBytes';
import { sha256Hex } from '../base/bytes';
import { check } from '../base/errors';
import type { CopyManifest, ModelCopy, SourceFile } from '../base/modelCopy';
import { openDatabase, reading, storageError } from './database';
import { fileIn, listFolder, removeFrom } from './folder';

export const copyDatabase = openDatabase('lorikeet-copies', ['copies']);
const copies = copyDatabase.store('copies');

/** The folder of the copies; made when it is not there. */
export async function copyFolder(): Promise<FileSystemDirectoryHandle> {
  return (await navigator.storage.getDirectory()).getDirectoryHandle('model-copies', { create: true });
}

/** Held while a copy is written or removed. */
export function copyLock(key: string): string {
  return `lorikeet-model-copy-${key}`;
}

/** What an unfinished copy is called. */
export const COPY_PART = '.part';

async function fileOf({ key, bytes }: ModelCopy): Promise<File | null> {
  const file = await fileIn(await copyFolder(), key);
  return file?.size === bytes ? file : null;
}

/** Whether the file of a copy is there, with its size. Errors: storage.failed. */
export async function isWhole(copy: ModelCopy): Promise<boolean> {
  return (await reading('looking for a copy of the model', fileOf(copy))) !== null;
}

/** What is known of a copy, whole or not; null: none is kept. Errors: storage.failed. */
export async function copyRecord(key: string): Promise<ModelCopy | null> {
  return (await reading('looking for a copy of the model', get<ModelCopy>(key, copies))) ?? null;
}

/** All copies that are whole, newest first. Errors: storage.failed. */
export async function listCopies(): Promise<ModelCopy[]> {
  const all = await reading<ModelCopy[]>('listing copies of models', values(copies));
  const files = await reading('listing copies of models', Promise.all(all.map(fileOf)));
  return all.filter((_, i) => files[i] !== null).sort((a, b) => b.createdAt - a.createdAt);
}

function isManifest(value: unknown): value is CopyManifest {
  const { pieces } = (value ?? {}) as Partial<CopyManifest>;
  return Array.isArray(pieces) && pieces.every(({ bytes, sha256 }) => bytes > 0 && typeof sha256 === 'string');
}

async function manifestOf({ bytes, manifestBytes, sha256 }: ModelCopy, file: File): Promise<CopyManifest> {
  const text = await blobBytes(file.slice(bytes - manifestBytes));
  check((await sha256Hex(text)) === sha256, 'copy.broken', 'the list of its pieces is not the one that was written');
  const manifest: unknown = JSON.parse(new TextDecoder().decode(text));
  check(isManifest(manifest), 'copy.broken', 'the list of its pieces is of another form');
  return manifest;
}

/** A copy of which the end has been read, not the pieces. */
export interface OpenCopy {
  record: ModelCopy;
  manifest: CopyManifest;
  file: File;
}

/**
 * Opens a copy.
 * @returns null when none is kept @throws copy.broken for one that is not whole or not what was written; storage.failed
 */
export async function openCopy(key: string): Promise<OpenCopy | null> {
  const record = await copyRecord(key);
  if (!record) return null;
  const open = async (): Promise<OpenCopy> => {
    const found = await fileIn(await copyFolder(), key);
    const size = found?.size ?? 0;
    check(found && size === record.bytes, 'copy.broken', `its file has ${size} bytes instead of ${record.bytes}`);
    return { record, manifest: await manifestOf(record, found), file: found };
  };
  return open().catch((error: unknown) => {
    throw storageError(error, 'opening the copy of the model');
  });
}

/** What tells a copy from one that was made in its place later. */
export type CopyIdentity = Pick<ModelCopy, 'key' | 'sha256' | 'createdAt'>;

/** In its lock. */
async function removeCopy(key: string): Promise<void> {
  // The record first: without it nothing takes the file for whole.
  await copyDatabase.transact(['copies'], (open) => void open('copies').delete(key));
  await reading(
    'removing the copy of the model',
    copyFolder().then((folder) => removeFrom(folder, key)),
  );
}

/**
 * Removes a copy; does nothing where there is none. A load that reads it goes on with the source.
 * @param only that copy: another one that has its place by then stays, or is being written there; left out: whichever
 *   is there, once no tab writes it
 * @returns whether it has been removed @throws storage.failed
 */
export async function deleteCopy(key: string, only?: CopyIdentity): Promise<boolean> {
  return navigator.locks.request(copyLock(key), { ifAvailable: only !== undefined }, async (lock) => {
    if (!lock) return false;
    const record = only && (await copyRecord(key));
    const other = record && (record.sha256 !== only.sha256 || record.createdAt !== only.createdAt);
    if (other) return false;
    await removeCopy(key);
    return true;
  });
}

/** Removes the copies that were made of a file as it is now: it was found to have wrong bytes. Errors: storage.failed. */
export async function deleteCopiesOf({ name, bytes, modifiedAt }: SourceFile): Promise<void> {
  const isIt = (file: SourceFile): boolean =>
    file.name === name && file.bytes === bytes && file.modifiedAt === modifiedAt;
  for (const copy of await reading<ModelCopy[]>('listing copies of models', values(copies))) {
    if (copy.sources?.some(isIt)) await deleteCopy(copy.key, copy);
  }
}

/** @throws copy.broken */
async function checkPieces({ manifest, file }: OpenCopy, onProgress: (done: number) => void, signal: AbortSignal) {
  let at = 0;
  let memory: ArrayBuffer | undefined;
  for (const { bytes, sha256 } of manifest.pieces) {
    signal.throwIfAborted();
    const piece = await blobBytes(file.slice(at, at + bytes), memory);
    const what = `its bytes ${at} to ${at + bytes - 1}`;
    check((await sha256Hex(piece)) === sha256, 'copy.broken', `${what} are not those that were written`);
    memory = piece.buffer;
    at += bytes;
    onProgress(at);
  }
}

/**
 * Reads all of a copy again; one that is not what was written is removed.
 * @param onProgress bytes read, of all
 * @returns whether it is sound; null: it is not here any more @throws the signal's reason; storage.failed
 */
export async function verifyCopy(
  key: string,
  onProgress: (done: number, total: number) => void,
  signal: AbortSignal,
): Promise<boolean | null> {
  const record = await copyRecord(key);
  if (!record) return null;
  try {
    const copy = await openCopy(key);
    if (!copy) return null;
    await checkPieces(copy, (done) => onProgress(done, copy.record.bytes), signal);
    return true;
  } catch (error) {
    signal.throwIfAborted();
    // Deleted meanwhile, by another tab.
    if (!(await copyRecord(key))) return null;
    const failure = storageError(error, 'reading the copy of the model');
    if (failure.code !== 'copy.broken') throw failure;
    await deleteCopy(key, record);
    return false;
  }
}

/**
 * Removes what counts as no copy: files without a record, records without their file or of an older form, and what a
 * browser that died has left of a copy. Safe beside a tab that writes one. Call it at start. Errors: storage.failed.
 */
export async function sweepCopies(): Promise<{ files: number; bytes: number }> {
  const swept = { files: 0, bytes: 0 };
  const folder = await copyFolder();
  for (const { name: entry, bytes } of await listFolder(folder)) {
    const key = entry.replace(/(\.crswap|\.part)+$/, '');
    await navigator.locks.request(copyLock(key), { ifAvailable: true }, async (lock) => {
      // Asked inside the lock: it may have become whole meanwhile.
      const kept = entry === key && (await get<ModelCopy>(key, copies)) !== undefined;
      if (!lock || kept) return;
      await removeFrom(folder, entry);
      swept.files++;
      swept.bytes += bytes;
    });
  }
  for (const { key } of await reading<ModelCopy[]>('listing copies of models', values(copies))) {
    await navigator.locks.request(copyLock(key), { ifAvailable: true }, async (lock) => {
      // One that is becoming whole has its record before its file, and its lock: all is asked inside it.
      const record = lock && (await copyRecord(key));
      if (record && !(record.sources && (await isWhole(record)))) await removeCopy(key);
    });
  }
  return swept;
}
