// Copies of base models as a GPU takes them: one file each in a folder of the private file system, a record in
// IndexedDB. A copy counts with both: its record is made when all of it was written. Writing is modelCopyFile.ts's.

import { get, values } from 'idb-keyval';
import { blobBytes } from '../base/blobBytes';
import { sha256Hex } from '../base/bytes';
import { check } from '../base/errors';
import type { CopyManifest, ModelCopy } from '../base/modelCopy';
import { openDatabase, reading, storageError } from './database';
import { fileIn, listFolder, removeFrom } from './folder';

export const copyDatabase = openDatabase('lorikeet-copies', ['copies']);
const copies = copyDatabase.store('copies');

/** The folder of the copies; made when it is not there. */
export async function copyFolder(): Promise<FileSystemDirectoryHandle> {
  return (await navigator.storage.getDirectory()).getDirectoryHandle('model-copies', { create: true });
}

/** Held while a copy is written. */
export function copyLock(key: string): string {
  return `lorikeet-model-copy-${key}`;
}

/** What an unfinished copy is called. */
export const COPY_PART = '.part';

async function fileOf({ key, bytes }: ModelCopy): Promise<File | null> {
  const file = await fileIn(await copyFolder(), key);
  return file?.size === bytes ? file : null;
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
  const record = await reading('looking for a copy of the model', get<ModelCopy>(key, copies));
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

/** Removes a copy; does nothing where there is none. A load that reads it goes on with the source. Errors: storage.failed. */
export async function deleteCopy(key: string): Promise<void> {
  // The record first: without it nothing takes the file for whole.
  await copyDatabase.transact(['copies'], (open) => void open('copies').delete(key));
  await reading(
    'removing the copy of the model',
    copyFolder().then((folder) => removeFrom(folder, key)),
  );
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
 * @param onProgress bytes read, of all @returns whether it is sound @throws the signal's reason; storage.failed
 */
export async function verifyCopy(
  key: string,
  onProgress: (done: number, total: number) => void,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const copy = await openCopy(key);
    if (!copy) return false;
    await checkPieces(copy, (done) => onProgress(done, copy.record.bytes), signal);
    return true;
  } catch (error) {
    signal.throwIfAborted();
    const failure = storageError(error, 'reading the copy of the model');
    if (failure.code !== 'copy.broken') throw failure;
    await deleteCopy(key);
    return false;
  }
}

/**
 * Removes what counts as no copy: files without a record, records without their file, and what a browser that died has
 * left of a copy. Safe beside a tab that writes one. Call it at start. Errors: storage.failed.
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
  const whole = new Set((await listCopies()).map(({ key }) => key));
  for (const { key } of await reading<ModelCopy[]>('listing copies of models', values(copies))) {
    // One that is becoming whole has its record before its file.
    const drop = (lock: Lock | null) => (lock && !whole.has(key) ? deleteCopy(key) : undefined);
    await navigator.locks.request(copyLock(key), { ifAvailable: true }, drop);
  }
  return swept;
}
