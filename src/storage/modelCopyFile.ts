// A copy of a base model while it is written: a part that becomes the copy when all of it is there. One tab writes it;
// what is cut or fails leaves nothing that counts.

import { sha256Hex } from '../base/bytes';
import { check } from '../base/errors';
import type { CopyManifest, ModelCopy } from '../base/modelCopy';
import { storageError } from './database';
import { fileIn, removeFrom } from './folder';
import { COPY_PART, copyDatabase, copyFolder, copyLock, copyRecord, isWhole } from './modelCopies';
import { openHandle, type OpenFile } from './opfs';

export interface CopyWriter {
  /** Writes the next piece, and notes its hash; the bytes are the caller's again. @throws storage.quota, storage.failed */
  append(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /**
   * Ends the copy: from now on it counts. @param layout of the pieces, as `CopyManifest` has it
   * @throws storage.quota, storage.failed; then it does not count
   */
  publish(layout: unknown, about: Pick<ModelCopy, 'name' | 'sourceBytes' | 'sources'>): Promise<ModelCopy>;
  /** Ends the writing, and removes what did not become a copy; may be called again. */
  close(): Promise<void>;
}

/** Takes a lock until the result is called; null while somebody else has it. */
function hold(name: string): Promise<(() => void) | null> {
  return new Promise((resolve, reject) => {
    navigator.locks
      .request(name, { ifAvailable: true }, (lock) => {
        if (lock) return new Promise<void>((release) => resolve(release));
        resolve(null);
        return undefined;
      })
      .catch(reject);
  });
}

/** Makes the part the copy itself. The record comes first: a copy counts only with it and its size. */
async function putInPlace(folder: FileSystemDirectoryHandle, copy: ModelCopy): Promise<void> {
  const part = await fileIn(folder, copy.key + COPY_PART);
  const size = part?.size ?? 0;
  check(size === copy.bytes, 'storage.failed', `the file has ${size} bytes after ${copy.bytes} were written`);
  await copyDatabase.transact(['copies'], (open) => void open('copies').put(copy, copy.key));
  const handle = await folder.getFileHandle(copy.key + COPY_PART);
  await (handle as FileSystemFileHandle & { move(name: string): Promise<void> }).move(copy.key);
}

async function openPart(folder: FileSystemDirectoryHandle, key: string): Promise<OpenFile> {
  // A part of a browser that died.
  await removeFrom(folder, key + COPY_PART);
  return openHandle(await folder.getFileHandle(key + COPY_PART, { create: true }), 'the copy');
}

function createWriter(folder: FileSystemDirectoryHandle, key: string, part: OpenFile, release: () => void): CopyWriter {
  const name = key + COPY_PART;
  const hashes: Promise<string>[] = [];
  const sizes: number[] = [];
  let at = 0;
  /** `closed`: all is written, but it does not count yet. */
  let state: 'open' | 'closed' | 'ended' = 'open';

  const write = async (bytes: Uint8Array<ArrayBuffer>): Promise<void> => {
    const taken = await part.write(bytes, at);
    // A full disk can show as a short count instead of an exception.
    const message = `of its bytes from ${at} on ${taken} of ${bytes.byteLength} were taken: there is no more room`;
    check(taken === bytes.byteLength, 'storage.quota', message);
    at += taken;
  };
  const named = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw storageError(error, 'writing the copy');
    }
  };

  return {
    append: (bytes) =>
      named(async () => {
        // No more than one piece is hashed at a time: the browser keeps a copy of each until then.
        await hashes.at(-1);
        // The browser copies what it hashes, now.
        const hash = sha256Hex(bytes);
        hash.catch(() => undefined); // awaited by the next piece, and in publish
        hashes.push(hash);
        sizes.push(bytes.byteLength);
        await write(bytes);
      }),
    publish: (layout, about) =>
      named(async () => {
        const found = await Promise.all(hashes);
        const pieces = found.map((sha256, i) => ({ bytes: sizes[i]!, sha256 }));
        const manifest = new TextEncoder().encode(JSON.stringify({ layout, pieces } satisfies CopyManifest));
        await write(manifest);
        await part.flush();
        await part.close();
        state = 'closed';
        const own = { key, bytes: at, manifestBytes: manifest.byteLength, sha256: await sha256Hex(manifest) };
        const copy: ModelCopy = { ...own, ...about, createdAt: Date.now() };
        await putInPlace(folder, copy);
        state = 'ended';
        return copy;
      }),
    async close() {
      const before = state;
      state = 'ended';
      if (before === 'open') await part.abandon().catch(() => undefined);
      if (before !== 'ended') await removeFrom(folder, name).catch(() => undefined);
      release();
    },
  };
}

/**
 * Begins a copy, alone in this browser.
 * @returns null while another tab writes it, or when it is there by now @throws storage.quota, storage.failed
 */
export async function beginCopy(key: string): Promise<CopyWriter | null> {
  const release = await hold(copyLock(key));
  if (!release) return null;
  try {
    const record = await copyRecord(key);
    if (record && (await isWhole(record))) {
      release();
      return null;
    }
    const folder = await copyFolder();
    return createWriter(folder, key, await openPart(folder, key), release);
  } catch (error) {
    release();
    throw storageError(error, 'beginning the copy');
  }
}
