// A run's checkpoints: bytes in the private file system, records in IndexedDB. The protocol that keeps them whole: new
// file, flush, read back, SHA-256, then a strict record, which alone makes a checkpoint exist. All of it in pieces: no file
// is ever in memory whole. File system and database are parameters of the store, so that tests can break them; the
// functions at the end use this browser's.

import { sha256Hex } from '../base/bytes';
import { blobInPieces, bytesInPieces, hashPieces, PIECE_BYTES, type FilePieces } from '../base/filePieces';
import { check, LorikeetError } from '../base/errors';
import { reading, request, storageError, type Database } from './database';
import { opfs, writeHashed, type Files } from './opfs';
import { ofRun, runDatabase } from './runDatabase';

export interface CheckpointInfo {
  /** The run's station (protocol's Stage). */
  stage: string;
  /** Optimizer steps done in the stage. */
  step: number;
  /** Events of the run's log with a seq from here on are void when the run goes on from this checkpoint. */
  logSeq: number;
  /** It holds the best evaluation so far. */
  best: boolean;
}

export interface CheckpointRecord extends CheckpointInfo {
  runId: string;
  /** Counts up within the run. */
  generation: number;
  /** Name in the browser's private file system. */
  file: string;
  bytes: number;
  /** Of the whole file, hex; of the hashes of its pieces, where `pieceBytes` is given (base/filePieces.ts). */
  sha256: string;
  /** Of a file of several pieces; absent in records of older versions, whatever their file's size. */
  pieceBytes?: number;
  /** Epoch milliseconds. */
  createdAt: number;
}

export interface NewCheckpoint {
  bytes: Uint8Array<ArrayBuffer> | FilePieces;
  info: CheckpointInfo;
}

/** Changes to make in the transaction that commits: all of it is kept or nothing. */
export interface Alongside {
  stores: readonly string[];
  /** @returns names of files that nothing names any more after it */
  change: (open: (name: string) => IDBObjectStore) => Promise<string[]>;
}

export interface CheckpointStore {
  /**
   * Stores checkpoints, oldest first, and keeps the newest `keep` of the run and its newest best one.
   * @throws storage.quota, storage.failed, checkpoint.verify; then nothing that was stored has changed
   */
  save(runId: string, fresh: NewCheckpoint[], keep: number, alongside?: Alongside): Promise<CheckpointRecord[]>;
  list(runId: string): Promise<CheckpointRecord[]>;
  /** The file, after a look at every byte; to be read in parts. */
  load(record: CheckpointRecord): Promise<Blob>;
  sweep(): Promise<{ files: number; bytes: number }>;
}

const PREFIX = 'ck-';
/** The browser may leave a half-written file under its own ending. */
const FILE_NAME = /^ck-(.+)-\d+-[0-9a-f]{8}(\.crswap)?$/;
const RUN_ID = /^[A-Za-z0-9._-]{1,64}$/;

interface Parts {
  files: Files;
  database: Database;
}

/** Held while a run's files are written, so that a sweep elsewhere leaves them and saves of one run do not mix. */
function lockName(runId: string): string {
  return `lorikeet-checkpoints-${runId}`;
}

function newName(runId: string, generation: number): string {
  const nonce = Array.from(crypto.getRandomValues(new Uint8Array(4)), (byte) => byte.toString(16).padStart(2, '0'));
  return `${PREFIX}${runId}-${generation}-${nonce.join('')}`;
}

/** Removes files that nothing names any more; what fails is left to the next sweep. */
export async function removeFiles(files: Files, names: readonly string[]): Promise<void> {
  for (const name of names) await files.remove(name).catch(() => undefined);
}

async function recordsOf({ database }: Parts, runId: string): Promise<CheckpointRecord[]> {
  const all = database.store('checkpoints')('readonly', (store) => request(store.getAll(ofRun(runId))));
  return ((await reading('listing checkpoints', all)) as CheckpointRecord[]).reverse();
}

async function readBack(files: Files, name: string, size: number, sha256: string): Promise<void> {
  let blob: Blob | null;
  let hash = '';
  try {
    blob = await files.blob(name);
    if (blob?.size === size) hash = await hashPieces(blobInPieces(blob));
  } catch (error) {
    throw storageError(error, `reading ${name} back`);
  }
  const hint = 'Nothing that was stored before has changed; try again. If it goes on, the disk may be full or failing.';
  const found = blob === null ? 'no file' : `${blob.size} bytes`;
  check(blob?.size === size, 'checkpoint.verify', `${name}: ${size} bytes were written, found ${found}`, hint);
  const message = `${name}: read back with SHA-256 ${hash}; expected ${sha256}`;
  check(hash === sha256, 'checkpoint.verify', message, hint);
}

/** Writes a new file and reads it back. @returns its hash */
async function writeVerified(files: Files, name: string, content: FilePieces): Promise<string> {
  const sha256 = await writeHashed(files, name, content);
  await readBack(files, name, content.bytes, sha256);
  return sha256;
}

/** What is beyond the newest `keep` and the newest best one; `records` newest first. */
function beyond(records: CheckpointRecord[], keep: number): CheckpointRecord[] {
  const best = records.find((record) => record.best);
  return records.slice(Math.max(1, keep)).filter((record) => record !== best);
}

/** @returns names of files that nothing names any more */
async function commit(
  { database }: Parts,
  runId: string,
  records: CheckpointRecord[],
  keep: number,
  alongside: Alongside,
): Promise<string[]> {
  const stores = [...new Set(['checkpoints', ...alongside.stores])];
  const change = async (open: (name: string) => IDBObjectStore): Promise<string[]> => {
    const dropped = await alongside.change(open);
    const store = open('checkpoints');
    for (const record of records) store.add(record, [runId, record.generation]);
    const all = ((await request(store.getAll(ofRun(runId)))) as CheckpointRecord[]).reverse();
    const stale = beyond(all, keep);
    for (const { generation } of stale) store.delete([runId, generation]);
    return [...dropped, ...stale.map(({ file }) => file)];
  };
  return database.transact(stores, change, 'strict');
}

async function saveLocked(
  parts: Parts,
  runId: string,
  fresh: NewCheckpoint[],
  keep: number,
  alongside: Alongside,
): Promise<CheckpointRecord[]> {
  const before = await recordsOf(parts, runId);
  const first = (before.at(0)?.generation ?? 0) + 1;
  const records: CheckpointRecord[] = [];
  const written: string[] = [];
  let stale: string[];
  try {
    for (const [index, { bytes, info }] of fresh.entries()) {
      const { stage, step, logSeq, best } = info;
      const generation = first + index;
      const file = newName(runId, generation);
      written.push(file);
      const content = bytes instanceof Uint8Array ? bytesInPieces(bytes) : bytes;
      const sha256 = await writeVerified(parts.files, file, content);
      const facts = { bytes: content.bytes, sha256, createdAt: Date.now() };
      const pieces = content.bytes > PIECE_BYTES ? { pieceBytes: PIECE_BYTES } : {};
      records.push({ runId, generation, file, stage, step, logSeq, best, ...facts, ...pieces });
    }
    stale = await commit(parts, runId, records, keep, alongside);
  } catch (error) {
    await removeFiles(parts.files, written);
    throw error;
  }
  await removeFiles(parts.files, stale);
  return records;
}

/** The hash of content in the way that a record has its file's: of the whole, or of pieces of the record's size. */
export async function hashAs(
  { pieceBytes }: Pick<CheckpointRecord, 'pieceBytes'>,
  content: Blob | Uint8Array<ArrayBuffer>,
): Promise<string> {
  const inMemory = content instanceof Uint8Array;
  if (pieceBytes === undefined) return sha256Hex(inMemory ? content : new Uint8Array(await content.arrayBuffer()));
  return hashPieces(inMemory ? bytesInPieces(content, pieceBytes) : blobInPieces(content, pieceBytes));
}

async function load({ files }: Parts, record: CheckpointRecord): Promise<Blob> {
  const { file, stage, step } = record;
  const where = `checkpoint ${stage} step ${step} (${file})`;
  const hint = 'An older checkpoint of the run can be used instead. Nothing was deleted.';
  let blob: Blob | null;
  let hash = '';
  try {
    blob = await files.blob(file);
    if (blob?.size === record.bytes) hash = await hashAs(record, blob);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new LorikeetError('checkpoint.broken', `${where}: the file cannot be read: ${reason}`, hint);
  }
  check(blob !== null, 'checkpoint.broken', `${where}: the file is missing`, hint);
  const sizes = `${where}: the file has ${blob.size} bytes; expected ${record.bytes}`;
  check(blob.size === record.bytes, 'checkpoint.broken', sizes, hint);
  const hashes = `${where}: the file's SHA-256 is ${hash}; expected ${record.sha256}`;
  check(hash === record.sha256, 'checkpoint.broken', hashes, hint);
  return blob;
}

/** Deletes records inside a transaction. @returns the names of their files, to be removed after it */
export async function takeRecords(store: IDBObjectStore, keys: IDBKeyRange): Promise<string[]> {
  const records = (await request(store.getAll(keys))) as CheckpointRecord[];
  store.delete(keys);
  return records.map(({ file }) => file);
}

/** Records of runs that are gone: a save that ended after its run was deleted. */
async function dropStrayRecords({ files, database }: Parts): Promise<void> {
  const names = await database.transact(['runs', 'checkpoints'], async (open) => {
    const runs = new Set(await request(open('runs').getAllKeys()));
    const keys = (await request(open('checkpoints').getAllKeys())) as [string, number][];
    const strays = new Set(keys.map(([runId]) => runId).filter((runId) => !runs.has(runId)));
    const dropped: string[] = [];
    for (const runId of strays) dropped.push(...(await takeRecords(open('checkpoints'), ofRun(runId))));
    return dropped;
  });
  await removeFiles(files, names);
}

async function sweep(parts: Parts): Promise<{ files: number; bytes: number }> {
  await dropStrayRecords(parts);
  const swept = { files: 0, bytes: 0 };
  for (const { name, bytes } of await parts.files.list(PREFIX)) {
    const runId = FILE_NAME.exec(name)?.[1];
    if (runId === undefined) continue;
    await navigator.locks.request(lockName(runId), { ifAvailable: true }, async (lock) => {
      if (!lock) return;
      // Asked inside the lock: a save may have committed since the files were listed.
      const named = (await recordsOf(parts, runId)).some(({ file }) => file === name);
      if (named) return;
      await parts.files.remove(name).then(
        () => {
          swept.files++;
          swept.bytes += bytes;
        },
        () => undefined,
      );
    });
  }
  return swept;
}

/** A store over the given file system and the database of runs (stores `runs` and `checkpoints`). */
export function createCheckpointStore(files: Files, database: Database): CheckpointStore {
  const parts = { files, database };
  return {
    save: async (runId, fresh, keep, alongside = { stores: [], change: async () => [] }) => {
      const allowed = 'expected 1 to 64 letters, digits, ".", "_" or "-"';
      check(RUN_ID.test(runId), 'storage.failed', `run id ${JSON.stringify(runId)} cannot name a file: ${allowed}`);
      return navigator.locks.request(lockName(runId), () => saveLocked(parts, runId, fresh, keep, alongside));
    },
    list: (runId) => recordsOf(parts, runId),
    load: (record) => load(parts, record),
    sweep: () => sweep(parts),
  };
}

/** The checkpoints of this browser: what the rest of the file is about. */
const store = createCheckpointStore(opfs, runDatabase);
/** A checkpoint can go between listing and reading while its run is being trained elsewhere. */
const ATTEMPTS = 3;

/**
 * Stores a checkpoint: a new file, checked by reading it back, then a record on disk; only then it resolves. Then
 * removes older ones beyond the newest `keep` (at least 1), but never the newest with `best`.
 * @throws storage.quota, storage.failed, checkpoint.verify; the earlier checkpoints are then as before
 */
export async function saveCheckpoint(
  runId: string,
  bytes: NewCheckpoint['bytes'],
  info: CheckpointInfo,
  keep: number,
): Promise<CheckpointRecord> {
  const [record] = await store.save(runId, [{ bytes, info }], keep);
  check(record, 'storage.failed', `run ${runId}: the checkpoint of step ${info.step} was not recorded`);
  return record;
}

/**
 * Stores several checkpoints of a run, oldest first, and makes other changes to the database of runs with them: all
 * or nothing. @throws as saveCheckpoint, and what `alongside` throws
 */
export function saveCheckpoints(
  runId: string,
  fresh: NewCheckpoint[],
  alongside: Alongside,
): Promise<CheckpointRecord[]> {
  return store.save(runId, fresh, fresh.length, alongside);
}

/** A run's checkpoints, newest first; empty for an unknown run. Errors: storage.failed. */
export function listCheckpoints(runId: string): Promise<CheckpointRecord[]> {
  return store.list(runId);
}

/** A checkpoint's bytes, all at once. @throws checkpoint.broken when file, size or SHA-256 differ, saying which */
export async function loadCheckpoint(record: CheckpointRecord): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await (await store.load(record)).arrayBuffer());
}

/** `file` has passed its hash, and is read in parts. */
type Newest = { record: CheckpointRecord; file: Blob; skipped: string[] };

async function firstWhole(records: CheckpointRecord[], skipped: string[]): Promise<Newest | null> {
  for (const record of records) {
    try {
      return { record, file: await store.load(record), skipped };
    } catch (error) {
      if (!(error instanceof LorikeetError) || error.code !== 'checkpoint.broken') throw error;
      skipped.push(error.message);
    }
  }
  return null;
}

/**
 * The newest checkpoint that is whole, and in `skipped` why newer ones are not, one sentence each; null when the run
 * has no checkpoint. Deletes nothing.
 * @throws checkpoint.broken when there are checkpoints and none is whole; storage.failed
 */
export async function newestCheckpoint(runId: string): Promise<Newest | null> {
  for (let attempt = 1; ; attempt++) {
    const records = await store.list(runId);
    const [newest] = records;
    if (!newest) return null;
    const skipped: string[] = [];
    const found = await firstWhole(records, skipped);
    if (found && skipped.length === 0) return found;
    const now = await store.list(runId);
    const changed = now.at(0)?.generation !== newest.generation;
    if (changed && attempt < ATTEMPTS) continue;
    if (found) return found;
    throw new LorikeetError(
      'checkpoint.broken',
      `run ${runId}: none of its ${records.length} checkpoints is whole: ${skipped.join('; ')}`,
      'The run cannot go on; start it again. Nothing was deleted.',
    );
  }
}

/**
 * Removes files that an interrupted save left behind, and checkpoints whose run is gone. Safe beside a save in
 * another tab or worker. Call it at start. Errors: storage.failed.
 */
export function sweepOrphans(): Promise<{ files: number; bytes: number }> {
  return store.sweep();
}
