// Moves a run to another browser in one file: its newest whole checkpoint, its record and its log up to there.
// Checks everything before it stores anything. The dataset and the base model travel apart.

import * as v from 'valibot';
import { check, LorikeetError } from '../base/errors';
import { isJsonObject, type JsonObject } from '../base/json';
import { decodeCheckpoint, encodeCheckpoint } from '../formats/checkpoint';
import { readGzipLines, writeGzipLines } from '../formats/gzipLines';
import { decodeRunFile, encodeRunFile, type RunFile } from '../formats/runFile';
import {
  hashAs,
  listCheckpoints,
  loadCheckpoint,
  newestCheckpoint,
  saveCheckpoints,
  type CheckpointInfo,
  type CheckpointRecord,
} from './checkpointStore';
import { request } from './database';
import { holdRun } from './runLock';
import { findRun, putRun, PUT_RUN_STORES, readEvents, type RunRecord } from './runs';

const Text = v.pipe(v.string(), v.maxLength(1000));
const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const Json = v.custom<JsonObject>(isJsonObject, 'expected an object');

const Info = v.object({ stage: Text, step: Count, logSeq: Count, best: v.boolean() });

/** What of a record makes sense in another browser; the rest is made anew. */
const Portable = v.object({
  id: v.pipe(v.string(), v.regex(/^[A-Za-z0-9._-]{1,64}$/)),
  createdAt: Count,
  seed: v.pipe(v.number(), v.finite()),
  datasetId: Text,
  datasetName: Text,
  modelName: Text,
  modelKey: v.optional(Text),
  recipe: Json,
});

const About = v.object({ record: Portable, checkpoint: Info, events: Count, best: v.optional(Info) });
type About = v.InferOutput<typeof About>;

interface LogEvent {
  seq: number;
}

function infoOf({ stage, step, logSeq, best }: CheckpointRecord): CheckpointInfo {
  return { stage, step, logSeq, best };
}

/** The newest best checkpoint up to `newest`; null when that is `newest` itself, or there is none that is whole. */
async function olderBest(
  newest: CheckpointRecord,
): Promise<{ record: CheckpointRecord; bytes: Uint8Array<ArrayBuffer> } | null> {
  const records = await listCheckpoints(newest.runId);
  const record = records.find(({ best, generation }) => best && generation <= newest.generation);
  if (!record || record.generation === newest.generation) return null;
  try {
    return { record, bytes: await loadCheckpoint(record) };
  } catch (error) {
    // The run goes on without it here as well; it must not keep the run from being moved.
    if (error instanceof LorikeetError && error.code === 'checkpoint.broken') return null;
    throw error;
  }
}

function portableOf(record: RunRecord): v.InferOutput<typeof Portable> {
  const result = v.safeParse(Portable, record);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const where = v.getDotPath(issue) ?? 'the record';
  throw new LorikeetError('runFile.value', `run ${record.id} cannot be exported: ${where}: ${issue.message}`);
}

/**
 * A run as one file: the newest whole checkpoint (and the best one, where that is older), the run's record, and its
 * log up to that checkpoint.
 * @throws storage.missing, runFile.noCheckpoint, checkpoint.broken, checkpoint.newer, runFile.tooLarge, runFile.value,
 *   storage.failed
 */
export async function exportRunFile(runId: string): Promise<Uint8Array<ArrayBuffer>> {
  const record = await findRun(runId);
  check(record, 'storage.missing', `run ${runId} is not stored in this browser`);
  const newest = await newestCheckpoint(runId);
  const hint = 'Checkpoints are written while a run trains; let it reach the next one, or stop it.';
  check(newest, 'runFile.noCheckpoint', `run ${runId} has no checkpoint, so there is nothing to go on from`, hint);
  const { logSeq } = newest.record;
  const events = ((await readEvents(runId)) as LogEvent[]).filter(({ seq }) => seq < logSeq);
  const best = await olderBest(newest.record);
  const about = {
    record: portableOf(record),
    checkpoint: infoOf(newest.record),
    events: events.length,
    ...(best ? { best: infoOf(best.record) } : {}),
  };
  const bytes = new Uint8Array(await newest.file.arrayBuffer());
  return encodeRunFile({
    checkpoint: decodeCheckpoint(bytes, newest.record.file),
    about,
    log: await writeGzipLines(events, 'log'),
    ...(best ? { best: best.bytes } : {}),
  });
}

function broken(message: string): LorikeetError {
  const hint = 'Export the run again where it was trained. Nothing was stored.';
  return new LorikeetError('runFile.broken', message, hint);
}

function readAbout(about: Record<string, unknown>, name: string): About {
  const result = v.safeParse(About, about);
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw broken(`${name}: ${v.getDotPath(issue) ?? 'its record'}: ${issue.message}`);
}

async function readLog({ log }: RunFile, { record, checkpoint, events }: About, name: string): Promise<LogEvent[]> {
  const lines = await readGzipLines(log, `${name}: the log`).catch((error: unknown) => {
    throw error instanceof LorikeetError ? broken(error.message) : error;
  });
  if (lines.length !== events) throw broken(`${name}: the log has ${lines.length} events; expected ${events}`);
  let last = -1;
  for (const [index, line] of lines.entries()) {
    const { seq, runId, type } = Object(line) as Record<string, unknown>;
    const inOrder = typeof seq === 'number' && Number.isSafeInteger(seq) && seq > last && seq < checkpoint.logSeq;
    if (!inOrder || runId !== record.id || typeof type !== 'string') {
      throw broken(`${name}: line ${index + 1} of the log is not the next event of run ${record.id}`);
    }
    last = seq;
  }
  return lines as LogEvent[];
}

interface Incoming {
  about: About;
  events: LogEvent[];
  bytes: Uint8Array<ArrayBuffer>;
  best: { bytes: Uint8Array<ArrayBuffer>; info: CheckpointInfo } | null;
}

async function readIncoming(bytes: Uint8Array, name: string): Promise<Incoming> {
  // Bytes of a file; shared memory does not occur here.
  const file = await decodeRunFile(bytes as Uint8Array<ArrayBuffer>, name);
  const about = readAbout(file.about, name);
  const events = await readLog(file, about, name);
  if ((about.best === undefined) !== (file.best === undefined)) throw broken(`${name}: its best checkpoint is missing`);
  if (file.best) decodeCheckpoint(file.best, `${name}: its best checkpoint`);
  const best = file.best && about.best ? { bytes: file.best, info: about.best } : null;
  return { about, events, bytes: encodeCheckpoint(file.checkpoint), best };
}

function exists(name: string, id: string, why: string): LorikeetError {
  const message = `${name}: run ${id} is stored in this browser already, and ${why}`;
  return new LorikeetError(
    'runFile.exists',
    message,
    'Nothing was changed. To use the file, delete the stored run first.',
  );
}

/** Whether the stored run is what the file holds. @throws runFile.exists when the file must not replace it */
async function isSame(stored: RunRecord, incoming: Incoming, name: string): Promise<boolean> {
  const { logSeq } = incoming.about.checkpoint;
  const newest = (await listCheckpoints(stored.id)).at(0);
  if (newest && newest.sha256 === (await hashAs(newest, incoming.bytes))) return true;
  const log = (await readEvents(stored.id)) as LogEvent[];
  const reached = newest?.logSeq ?? (log.at(-1)?.seq ?? -1) + 1;
  if (stored.state === 'finished' || reached > logSeq) throw exists(name, stored.id, 'it is further on than the file');
  const mine = log.filter(({ seq }) => seq < reached);
  const theirs = incoming.events.filter(({ seq }) => seq < reached);
  const continues =
    mine.length === theirs.length && mine.every((event, i) => JSON.stringify(event) === JSON.stringify(theirs[i]));
  if (reached === logSeq || !continues) throw exists(name, stored.id, 'it went another way than the file');
  return false;
}

/**
 * Stores the run of a file that exportRunFile wrote, as a stopped run that can go on. A stored run of the same id is
 * replaced only by a continuation of it; the same run again changes nothing.
 * @param name the file's name, for errors
 * @returns the stored run's record
 * @throws runFile.foreign, runFile.broken, runFile.tooLarge, runFile.exists, checkpoint.newer, checkpoint.broken,
 *   storage.quota, storage.failed, checkpoint.verify; then nothing that was stored has changed
 */
export async function importRunFile(bytes: Uint8Array, name: string): Promise<RunRecord> {
  const incoming = await readIncoming(bytes, name);
  return holdRun(incoming.about.record.id, () => storeIncoming(incoming, name));
}

async function storeIncoming(incoming: Incoming, name: string): Promise<RunRecord> {
  const { record: portable, checkpoint } = incoming.about;
  const stored = await findRun(portable.id);
  if (stored && (await isSame(stored, incoming, name))) return stored;
  const position = { stage: checkpoint.stage, step: checkpoint.step };
  const record: RunRecord = { ...portable, state: 'stopped', position };
  const fresh = [{ bytes: incoming.bytes, info: checkpoint }];
  if (incoming.best) fresh.unshift(incoming.best);
  await saveCheckpoints(record.id, fresh, {
    stores: PUT_RUN_STORES,
    change: async (open) => {
      const now = (await request(open('runs').getKey(record.id))) !== undefined;
      if (now !== (stored !== undefined)) throw exists(name, record.id, 'it was changed meanwhile');
      return putRun(open, record, incoming.events);
    },
  });
  return record;
}
