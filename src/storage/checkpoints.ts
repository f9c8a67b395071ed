// A run's checkpoints in this browser: bytes in the private file system, records in IndexedDB. Does not look into them.

import { check, LorikeetError } from '../base/errors';
import { createCheckpointStore } from './checkpointStore';
import type { Alongside, CheckpointInfo, CheckpointRecord, NewCheckpoint } from './checkpointStore';
import { opfs } from './opfs';
import { runDatabase } from './runDatabase';

export type { CheckpointInfo, CheckpointRecord };

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
  bytes: Uint8Array<ArrayBuffer>,
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

/** A checkpoint's bytes. @throws checkpoint.broken when file, size or SHA-256 differ, saying which */
export function loadCheckpoint(record: CheckpointRecord): Promise<Uint8Array<ArrayBuffer>> {
  return store.load(record);
}

type Newest = { record: CheckpointRecord; bytes: Uint8Array<ArrayBuffer>; skipped: string[] };

async function firstWhole(records: CheckpointRecord[], skipped: string[]): Promise<Newest | null> {
  for (const record of records) {
    try {
      return { record, bytes: await store.load(record), skipped };
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

/** Removes all checkpoints of a run; its record and log stay. Errors: storage.failed. */
export function deleteCheckpoints(runId: string): Promise<void> {
  return store.remove(runId);
}

/**
 * Removes files that an interrupted save left behind, and checkpoints whose run is gone. Safe beside a save in
 * another tab or worker. Call it at start. Errors: storage.failed.
 */
export function sweepOrphans(): Promise<{ files: number; bytes: number }> {
  return store.sweep();
}
