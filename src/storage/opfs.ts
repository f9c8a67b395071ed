// Files in the browser's private file system: written whole, with every count checked. Knows no checkpoints.

import { sha256Hex } from '../base/bytes';
import { check, LorikeetError } from '../base/errors';
import { hashOfPieces, type FilePieces } from '../base/filePieces';
import { storageError } from './database';
import { fileIn, listFolder, removeFrom } from './folder';

/** A file being written. Nothing counts before `close`. */
export interface OpenFile {
  /** @returns bytes really written */
  write(bytes: Uint8Array<ArrayBuffer>, at: number): Promise<number>;
  /** Size in bytes; null when it is known only after `close`. */
  size(): Promise<number | null>;
  flush(): Promise<void>;
  close(): Promise<void>;
  /** Lets go of the file after a failure; never throws. */
  abandon(): Promise<void>;
}

/** The file operations that the checkpoint store needs; tests put faults between it and the disk. */
export interface Files {
  open(name: string): Promise<OpenFile>;
  /** null when there is no such file. */
  read(name: string): Promise<Uint8Array<ArrayBuffer> | null>;
  /** The file to be read in parts; null when there is no such file. */
  blob(name: string): Promise<Blob | null>;
  /** Does nothing when there is no such file. */
  remove(name: string): Promise<void>;
  list(prefix: string): Promise<{ name: string; bytes: number }[]>;
}

function syncFile(handle: FileSystemSyncAccessHandle): OpenFile {
  return {
    write: async (bytes, at) => handle.write(bytes, { at }),
    size: async () => handle.getSize(),
    flush: async () => handle.flush(),
    close: async () => handle.close(),
    abandon: async () => handle.close(),
  };
}

function streamFile(stream: FileSystemWritableFileStream): OpenFile {
  return {
    write: async (data, position) => {
      await stream.write({ type: 'write', data, position });
      return data.byteLength;
    },
    size: async () => null,
    flush: async () => undefined,
    close: () => stream.close(),
    abandon: () => stream.abort().catch(() => undefined),
  };
}

/** Opens a file for writing, in a worker or on the page. @param name for errors @throws storage.failed */
export async function openHandle(handle: FileSystemFileHandle, name: string): Promise<OpenFile> {
  // Only dedicated workers have it.
  if (typeof handle.createSyncAccessHandle === 'function') return syncFile(await handle.createSyncAccessHandle());
  if (typeof handle.createWritable === 'function') return streamFile(await handle.createWritable());
  throw new LorikeetError(
    'storage.failed',
    `writing ${name}: this browser cannot write files of its own from a page`,
    'Update the browser.',
  );
}

async function openFile(name: string): Promise<OpenFile> {
  const root = await navigator.storage.getDirectory();
  return openHandle(await root.getFileHandle(name, { create: true }), name);
}

/** The browser's own files, in the root of its private file system. */
export const opfs: Files = {
  open: openFile,
  read: async (name) => {
    const file = await opfs.blob(name);
    return file && new Uint8Array(await file.arrayBuffer());
  },
  blob: async (name) => fileIn(await navigator.storage.getDirectory(), name),
  remove: async (name) => removeFrom(await navigator.storage.getDirectory(), name),
  list: async (prefix) => listFolder(await navigator.storage.getDirectory(), prefix),
};

async function writeChunks(file: OpenFile, name: string, content: FilePieces): Promise<void> {
  let at = 0;
  for await (const chunk of content.pieces()) {
    const written = await file.write(chunk, at);
    // A full disk can show as a short count instead of an exception.
    check(
      written === chunk.byteLength,
      'storage.quota',
      `writing ${name}: at byte ${at} only ${written} of ${chunk.byteLength} bytes were taken: there is no more room`,
      'Free disk space, or delete a dataset or a run here, then try again. Nothing that was stored before has changed.',
    );
    at += chunk.byteLength;
  }
  const size = await file.size();
  check(
    at === content.bytes && (size === null || size === at),
    'storage.failed',
    `writing ${name}: the file has ${size ?? at} bytes after ${content.bytes} were to be written`,
    'Try again; the disk may be full or failing.',
  );
}

/**
 * What broke a write. Chromium breaks a stream off that finds no room, and its writer may hear of the broken pipe before it
 * hears why: then the free room tells, in which what was written before no longer lies.
 * @param bytes of the whole file
 */
async function causeOfBreak(error: unknown, bytes: number): Promise<unknown> {
  if (!(error instanceof DOMException) || error.name !== 'AbortError') return error;
  const { quota = Infinity, usage = 0 } = await navigator.storage.estimate();
  if (quota - usage >= bytes) return error;
  return new DOMException(`${error.message} ${quota - usage} bytes were free`, 'QuotaExceededError');
}

/**
 * Writes the pieces as the whole of a new file and waits until it is flushed and closed. Does not read it back.
 * @throws what reading the pieces throws; storage.quota, storage.failed; the file may then exist in part
 */
export async function writeFile(files: Files, name: string, content: FilePieces): Promise<void> {
  let file: OpenFile | undefined;
  try {
    file = await files.open(name);
    await writeChunks(file, name, content);
    await file.flush();
    await file.close();
  } catch (error) {
    await file?.abandon();
    throw storageError(await causeOfBreak(error, content.bytes), `writing ${name}`);
  }
}

/** As writeFile. @returns the hash of what was given, as hashPieces */
export async function writeHashed(files: Files, name: string, content: FilePieces): Promise<string> {
  const hashes: string[] = [];
  async function* pieces(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    for await (const piece of content.pieces()) {
      hashes.push(await sha256Hex(piece));
      yield piece;
    }
  }
  await writeFile(files, name, { bytes: content.bytes, pieces });
  return hashOfPieces(hashes);
}
