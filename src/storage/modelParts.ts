// Files of models while they are written, in a worker: a `.part` under the file's hash, a journal of what is on disk,
// and the step by which it becomes whole. Knows nothing of the hub.

import { get } from 'idb-keyval';
import type { HubFile } from '../base/hubModel';
import { check, LorikeetError } from '../base/errors';
import { clipIntervals, type Interval } from '../base/intervals';
import { reading, storageError } from './database';
import { modelDatabase as database, modelFileLock, PART_ENDING, type PartRecord } from './modelDatabase';
import { forgetFile, modelFolder, storedName, wholeFile } from './modelStore';

/** A part that is open for writing; see PartFile of the hub. */
export interface OpenPart {
  done: Interval[];
  keepBytes: number;
  readable: 'written';
  write(bytes: Uint8Array, at: number): void;
  read(at: number, length: number): Uint8Array;
  keep(done: readonly Interval[]): Promise<void>;
  restart(): Promise<void>;
}

/** At most so much has to be fetched again after the browser died. */
const KEEP_BYTES = 32 * 1024 * 1024;
const NO_ROOM = 'Free disk space, or delete a model, a dataset or a run here, then go on: what has arrived is kept.';

function write(handle: FileSystemSyncAccessHandle, name: string, bytes: Uint8Array, at: number): void {
  let taken: number;
  try {
    taken = handle.write(bytes, { at });
  } catch (error) {
    const failure = storageError(error, `writing ${name}`);
    throw failure.code === 'storage.quota' ? new LorikeetError(failure.code, failure.message, NO_ROOM) : failure;
  }
  // A full disk can show as a short count instead of an exception.
  const message = `writing ${name}: at byte ${at} only ${taken} of ${bytes.byteLength} bytes were taken: there is no more room`;
  check(taken === bytes.byteLength, 'storage.quota', message, NO_ROOM);
}

function read(handle: FileSystemSyncAccessHandle, name: string, at: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const got = handle.read(bytes, { at });
  const hint = 'Try again; the disk may be failing.';
  check(got === length, 'storage.failed', `reading ${name} back: ${got} of ${length} bytes at byte ${at}`, hint);
  return bytes;
}

/** The journal, cut to what the file really holds. */
async function journalOf(name: string, size: number): Promise<Interval[]> {
  const record = await reading('reading a journal', get<PartRecord>(name, database.store('parts')));
  return clipIntervals(record?.done ?? [], size);
}

async function putJournal(name: string, done: readonly Interval[]): Promise<void> {
  const record: PartRecord = { name, done: [...done] };
  await database.transact(['parts'], (open) => void open('parts').put(record, name));
}

async function openPart(handle: FileSystemSyncAccessHandle, name: string, bytes: number): Promise<OpenPart> {
  return {
    done: await journalOf(name, Math.min(handle.getSize(), bytes)),
    keepBytes: KEEP_BYTES,
    readable: 'written',
    write: (piece, at) => write(handle, name, piece, at),
    read: (at, length) => read(handle, name, at, length),
    keep: async (done) => {
      // The bytes first: a journal may never name what is not there.
      handle.flush();
      await putJournal(name, done);
    },
    restart: async () => {
      await putJournal(name, []);
      handle.truncate(0);
    },
  };
}

/** Makes a part that has been checked the file itself. The record comes first: a file counts only with it and its size. */
async function publish(folder: FileSystemDirectoryHandle, name: string, bytes: number): Promise<void> {
  const record = { name, bytes, checkedAt: Date.now() };
  await database.transact(['files'], (open) => void open('files').put(record, name));
  const part = await folder.getFileHandle(name + PART_ENDING);
  await (part as FileSystemFileHandle & { move(name: string): Promise<void> }).move(name);
  await database.transact(['parts'], (open) => void open('parts').delete(name));
}

async function workOn(
  folder: FileSystemDirectoryHandle,
  name: string,
  bytes: number,
  work: (part: OpenPart) => Promise<void>,
): Promise<void> {
  const file = await folder.getFileHandle(name + PART_ENDING, { create: true });
  const handle = await file.createSyncAccessHandle();
  let part: OpenPart;
  try {
    part = await openPart(handle, name, bytes);
    await work(part);
    handle.flush();
    const size = handle.getSize();
    check(size === bytes, 'storage.failed', `${name} has ${size} bytes, expected ${bytes}`, 'Try again.');
  } finally {
    handle.close();
  }
}

/**
 * Fills a file of the store, alone in this browser; waits while another tab is at it. Does nothing when it is whole.
 * @param work fills the part and has checked its hash when it returns; when it throws, the part stays with its journal
 * @throws storage.quota, storage.failed, what `work` throws, the signal's reason while waiting
 */
export async function fillFile(
  file: HubFile,
  signal: AbortSignal,
  work: (part: OpenPart) => Promise<void>,
): Promise<void> {
  const name = storedName(file);
  await navigator.locks.request(modelFileLock(name), { signal }, async () => {
    if (await wholeFile(file)) return;
    try {
      const folder = await modelFolder();
      await workOn(folder, name, file.bytes, work);
      await publish(folder, name, file.bytes);
    } catch (error) {
      throw error instanceof DOMException && error.name !== 'AbortError'
        ? storageError(error, `writing ${name}`)
        : error;
    }
  });
}

/** Takes back that a file is whole, since its bytes are not; it is removed. Errors: storage.failed. */
export async function dropFile(file: HubFile): Promise<void> {
  const name = storedName(file);
  await navigator.locks.request(modelFileLock(name), () => forgetFile(name));
}
