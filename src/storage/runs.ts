// Runs in IndexedDB: a record per run, its event log and its artifacts (adapter, metrics and the like as bytes).
// Does not interpret events or recipes.

import { get, values } from 'idb-keyval';
import { LorikeetError } from '../base/errors';
import { removeFiles, takeRecords } from './checkpointStore';
import { reading, request } from './database';
import { opfs } from './opfs';
import { ofRun, runDatabase as database } from './runDatabase';

export interface RunRecord {
  id: string;
  /** Epoch milliseconds. */
  createdAt: number;
  seed: number;
  datasetId: string;
  datasetName: string;
  modelName: string;
  /** Of a model from the hub: its key in the store of models. */
  modelKey?: string;
  recipe: unknown;
  /** The imported adapter that the run began with. */
  adapterName?: string;
  state: string;
  summary?: unknown;
  /** Where its newest checkpoint stands. */
  position?: { stage: string; step: number };
}

const runs = database.store('runs');
const events = database.store('events');
const artifacts = database.store('artifacts');

/** Stores a new run. Errors: storage.exists when the id is taken, storage.quota, storage.failed. */
export async function createRun(record: RunRecord): Promise<void> {
  await database.transact(['runs'], async (open) => {
    const taken = await request(open('runs').getKey(record.id));
    if (taken !== undefined) throw new LorikeetError('storage.exists', `run ${record.id} is stored already`);
    open('runs').put(record, record.id);
  });
}

/** Replaces the given fields of a run. Errors: storage.missing, storage.quota, storage.failed. */
export async function updateRun(id: string, patch: Partial<Omit<RunRecord, 'id'>>): Promise<void> {
  await database.transact(['runs'], async (open) => {
    const record = (await request(open('runs').get(id))) as RunRecord | undefined;
    if (!record) throw new LorikeetError('storage.missing', `run ${id} is not stored in this browser`);
    open('runs').put({ ...record, ...patch, id }, id);
  });
}

/** All runs, newest first. Errors: storage.failed. */
export async function listRuns(): Promise<RunRecord[]> {
  const list = await reading<RunRecord[]>('listing runs', values(runs));
  return list.sort((a, b) => b.createdAt - a.createdAt);
}

/**
 * Appends events in one transaction, each under [runId, seq]; the same seq again replaces (so a retry is harmless).
 * @throws LorikeetError storage.quota (none of this call's events is kept), storage.failed
 */
export async function appendEvents(runId: string, batch: readonly { seq: number }[]): Promise<void> {
  if (batch.length === 0) return;
  const put = (open: (name: string) => IDBObjectStore): void => {
    for (const event of batch) open('events').put(event, [runId, event.seq]);
  };
  // Many a second: waiting for the disk each time would hold up the run.
  await database.transact(['events'], put, 'relaxed');
}

/** A run's events in order of seq, those before `fromSeq` left out; empty for an unknown run. Errors: storage.failed. */
export function readEvents(runId: string, fromSeq?: number): Promise<unknown[]> {
  return reading(
    'reading the run log',
    events('readonly', (store) => request(store.getAll(ofRun(runId, fromSeq)))),
  );
}

/** The event of a run's log with the highest seq; undefined without one. Errors: storage.failed. */
export function lastEvent(runId: string): Promise<{ seq: number; time: number } | undefined> {
  const last = events('readonly', async (store) => {
    const cursor = await request(store.openCursor(ofRun(runId), 'prev'));
    return cursor?.value as { seq: number; time: number } | undefined;
  });
  return reading('reading the run log', last);
}

/** Events that are read at once: few enough that turning a batch into objects takes a few milliseconds. */
const BATCH = 16;

/**
 * The same events as readEvents, batch after batch, for a thread that must stay free: each batch is a transaction of
 * its own, so what is written meanwhile may or may not be among them. Errors: storage.failed.
 */
export async function* readEventBatches(runId: string, fromSeq = 0): AsyncGenerator<{ seq: number }[]> {
  for (let from = fromSeq; ;) {
    const range = ofRun(runId, from);
    const batch = (await reading(
      'reading the run log',
      events('readonly', (store) => request(store.getAll(range, BATCH))),
    )) as { seq: number }[];
    const last = batch[batch.length - 1];
    if (!last) return;
    yield batch;
    from = last.seq + 1;
  }
}

/** How many events a run's log has. Errors: storage.failed. */
export function countEvents(runId: string): Promise<number> {
  return reading(
    'reading the run log',
    events('readonly', (store) => request(store.count(ofRun(runId)))),
  );
}

/** The events of a run with these seqs, in their order; undefined for one that is not stored. Errors: storage.failed. */
export function readEventsAt(runId: string, seqs: readonly number[]): Promise<unknown[]> {
  return reading(
    'reading the run log',
    events('readonly', (store) =>
      Promise.all(seqs.map((seq) => request(store.get([runId, seq]) as IDBRequest<unknown>))),
    ),
  );
}

/**
 * Stores or replaces files of a run by their names, all of them or none, and removes those in `outdated` with it.
 * @throws storage.quota (the old ones stay), storage.failed
 */
export async function putArtifacts(
  runId: string,
  files: Record<string, Uint8Array>,
  outdated: readonly string[] = [],
): Promise<void> {
  await database.transact(['artifacts'], (open) => {
    for (const name of outdated) open('artifacts').delete([runId, name]);
    for (const [name, bytes] of Object.entries(files)) open('artifacts').put(bytes, [runId, name]);
  });
}

/** A named file of a run; null when there is none. Errors: storage.failed. */
export async function getArtifact(runId: string, name: string): Promise<Uint8Array<ArrayBuffer> | null> {
  const found = await reading('reading a file of the run', get<Uint8Array<ArrayBuffer>>([runId, name], artifacts));
  return found ?? null;
}

/**
 * Cuts a run's log: removes its events with a seq of `fromSeq` and above, and waits for the disk.
 * @throws storage.failed (then the log is as before)
 */
export async function truncateEvents(runId: string, fromSeq: number): Promise<void> {
  await database.transact(
    ['events'],
    (open) => {
      open('events').delete(ofRun(runId, fromSeq));
    },
    'strict',
  );
}

/** The stores that putRun writes to. */
export const PUT_RUN_STORES = ['runs', 'events', 'artifacts', 'checkpoints'];

/**
 * Puts a whole run in the place of what is stored under its id, checkpoint records included, inside a transaction
 * over PUT_RUN_STORES. @returns files of the checkpoints that it replaces, to be removed after the transaction
 */
export async function putRun(
  open: (name: string) => IDBObjectStore,
  record: RunRecord,
  events: readonly { seq: number }[],
): Promise<string[]> {
  for (const name of ['events', 'artifacts']) open(name).delete(ofRun(record.id));
  open('runs').put(record, record.id);
  for (const event of events) open('events').put(event, [record.id, event.seq]);
  return takeRecords(open('checkpoints'), ofRun(record.id));
}

/** A run's record; undefined when it is not stored. Errors: storage.failed. */
export async function findRun(id: string): Promise<RunRecord | undefined> {
  return reading('reading a run', get<RunRecord>(id, runs));
}

/** Removes a run with its events, files and checkpoints, in one step. Errors: storage.failed. */
export async function deleteRun(runId: string): Promise<void> {
  const names = await database.transact(['runs', 'events', 'artifacts', 'checkpoints'], async (open) => {
    open('runs').delete(runId);
    open('events').delete(ofRun(runId));
    open('artifacts').delete(ofRun(runId));
    return takeRecords(open('checkpoints'), ofRun(runId));
  });
  await removeFiles(opfs, names);
}
