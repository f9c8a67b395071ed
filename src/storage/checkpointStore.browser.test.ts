// Checkpoints in the browser's real file system and database: whole after every fault, or refused by name.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sha256Hex } from '../base/bytes';
import { blobInPieces, bytesInPieces, PIECE_BYTES } from '../base/filePieces';
import { decodeCheckpoint, encodeCheckpoint } from '../formats/checkpoint';
import {
  createCheckpointStore,
  listCheckpoints,
  loadCheckpoint,
  newestCheckpoint,
  saveCheckpoint,
  sweepOrphans,
  type CheckpointInfo,
  type CheckpointRecord,
} from './checkpointStore';
import { opfs, writeFile } from './opfs';
import { runDatabase } from './runDatabase';
import { createRun, deleteRun, listRuns, type RunRecord } from './runs';
import { FAULTS, survey, type Survey } from './testing/checkpointFaults';
import { noise } from './testing/noise';
import type { Ask, Told } from './testing/checkpoint.worker';

const workers: Worker[] = [];

function startWorker(): Worker {
  const worker = new Worker(new URL('./testing/checkpoint.worker.ts', import.meta.url), { type: 'module' });
  workers.push(worker);
  return worker;
}

/** Asks a worker of its own; resolves with its first answer. */
function ask(question: Ask): Promise<Told> {
  const worker = startWorker();
  return new Promise((resolve, reject) => {
    worker.onerror = (event) => reject(new Error(event.message));
    worker.onmessage = ({ data }: MessageEvent<Told>) => resolve(data);
    worker.postMessage(question);
  });
}

async function surveyInWorker(...[kind, faults, keep]: Parameters<typeof survey>): Promise<Survey> {
  const told = await ask({ type: 'survey', kind, faults, keep });
  if (told.type !== 'surveyed') throw new Error(JSON.stringify(told));
  return told.result;
}

function run(id: string): RunRecord {
  const names = { datasetId: 'd', datasetName: 'demo', modelName: 'tiny' };
  return { id, createdAt: 1, seed: 5, ...names, recipe: {}, state: 'running' };
}

function info(step: number, best = false): CheckpointInfo {
  return { stage: 'sft', step, logSeq: 10 * step, best };
}

async function filesOf(runId: string): Promise<string[]> {
  return (await opfs.list(`ck-${runId}-`)).map(({ name }) => name).sort();
}

beforeEach(async () => {
  for (const { id } of await listRuns()) await deleteRun(id);
  for (const { name } of await opfs.list('ck-')) await opfs.remove(name);
  for (const id of ['a', 'b']) await createRun(run(id));
});

afterEach(() => {
  for (const worker of workers.splice(0)) worker.terminate();
});

describe('saving and loading', () => {
  test('a checkpoint saved by a worker is listed here with its facts and read back byte for byte', async () => {
    const bytes = noise(100_001);
    const told = await ask({ type: 'save', runId: 'a', bytes, info: info(3, true), keep: 2 });
    if (told.type !== 'saved') throw new Error(JSON.stringify(told));
    const [record] = await listCheckpoints('a');
    expect(record).toEqual(told.record);
    expect(record).toMatchObject({ ...info(3, true), runId: 'a', generation: 1, bytes: 100_001 });
    expect(record!.file).toMatch(/^ck-a-1-[0-9a-f]{8}$/);
    expect(await loadCheckpoint(record!)).toEqual(bytes);
    expect(await listCheckpoints('b')).toEqual([]);
  });

  test('a page can save as well, also more than one chunk and nothing at all', async () => {
    for (const size of [0, 17 * 1024 * 1024]) {
      const bytes = noise(size);
      const back = await loadCheckpoint(await saveCheckpoint('a', bytes, info(1), 2));
      // toEqual takes a minute for so many bytes.
      expect([back.length, await sha256Hex(back)]).toEqual([size, await sha256Hex(bytes)]);
    }
  });

  test('a file of several pieces is written and read in pieces, and a byte that is off in any piece is found', async () => {
    const bytes = noise(2 * PIECE_BYTES + 5);
    const record = await saveCheckpoint('a', bytes, info(1), 2);
    expect(record).toMatchObject({ bytes: bytes.length, pieceBytes: PIECE_BYTES });
    const longest: number[] = [];
    const file = (await newestCheckpoint('a'))!.file;
    for await (const piece of blobInPieces(file).pieces()) longest.push(piece.byteLength);
    expect(longest).toEqual([PIECE_BYTES, PIECE_BYTES, 5]);
    expect(await sha256Hex(await loadCheckpoint(record))).toBe(await sha256Hex(bytes));
    for (const at of [0, PIECE_BYTES, 2 * PIECE_BYTES + 4]) {
      bytes[at]! ^= 1;
      await writeFile(opfs, record.file, bytesInPieces(bytes));
      bytes[at]! ^= 1;
      await expect(loadCheckpoint(record)).rejects.toMatchObject({ code: 'checkpoint.broken' });
    }
  });

  test('a large file of an older version, hashed as a whole, is read as before', async () => {
    const bytes = noise(PIECE_BYTES + 5);
    const { pieceBytes: _, ...record } = await saveCheckpoint('a', bytes, info(1), 2);
    const older = { ...record, sha256: await sha256Hex(bytes) };
    await runDatabase.transact(['checkpoints'], (open) => void open('checkpoints').put(older, ['a', 1]));
    expect((await newestCheckpoint('a'))?.record).toEqual(older);
    await writeFile(opfs, record.file, bytesInPieces(noise(bytes.length)));
    await expect(newestCheckpoint('a')).rejects.toMatchObject({ code: 'checkpoint.broken' });
  });

  test('the newest two and the newest best one stay, on disk and in the list', async () => {
    const bests = [true, false, true, false, false, false];
    for (const [index, best] of bests.entries()) await saveCheckpoint('a', noise(1000), info(index + 1, best), 2);
    await saveCheckpoint('b', noise(1000), info(1), 2);
    const records = await listCheckpoints('a');
    expect(records.map(({ step, generation }) => [step, generation])).toEqual([
      [6, 6],
      [5, 5],
      [3, 3],
    ]);
    expect(await filesOf('a')).toEqual(records.map(({ file }) => file).sort());
    expect((await listCheckpoints('b')).length).toBe(1);
  });

  test('saves of one run at the same time get generations of their own', async () => {
    await Promise.all([1, 2, 3, 4].map((step) => saveCheckpoint('a', noise(50_000), info(step), 9)));
    expect((await listCheckpoints('a')).map(({ generation }) => generation)).toEqual([4, 3, 2, 1]);
  });

  test('deleting a run removes the records and files of its checkpoints, and no others', async () => {
    for (const id of ['a', 'b']) await saveCheckpoint(id, noise(1000), info(1), 2);
    await deleteRun('a');
    expect([await listCheckpoints('a'), await filesOf('a'), await newestCheckpoint('a')]).toEqual([[], [], null]);
    expect((await newestCheckpoint('b'))?.record.step).toBe(1);
  });

  test('a run id that cannot name a file is refused', async () => {
    await expect(saveCheckpoint('../a', noise(1), info(1), 2)).rejects.toMatchObject({ code: 'storage.failed' });
  });
});

const places = [
  ['a worker, through synchronous handles', surveyInWorker],
  ['the page, through streams', survey],
] as const;

describe.each(places)('under faults in %s', (_, surveyed) => {
  test.each([1, 2])('every acknowledged checkpoint still opens and no file is left over (keeping %i)', async (keep) => {
    const result = await surveyed('ours', FAULTS, keep);
    expect(result.violations).toEqual([]);
    expect(result.hits).toEqual([...FAULTS]);
    expect([result.refused, result.acknowledged]).toEqual([FAULTS.length, 0]);
  });

  test('a store that overwrites in place with its record first is caught', async () => {
    expect((await surveyed('inPlace', [], 1)).violations).toEqual([]);
    for (const fault of ['shortWrite', 'lyingWrite', 'flippedByte', 'throwBeforeFlush'] as const) {
      const result = await surveyed('inPlace', [fault], 1);
      expect(result.hits).toEqual([fault]);
      expect(result.violations.length).toBeGreaterThan(0);
    }
  });
});

/** Lets a worker save without end and kills it, `delayMs` after its fourth save began. */
async function killedInSave(runId: string, delayMs: number): Promise<{ acknowledged: CheckpointRecord; cut: boolean }> {
  const worker = startWorker();
  let last: CheckpointRecord | undefined;
  let begun = 0;
  await new Promise<void>((resolve, reject) => {
    worker.onerror = (event) => reject(new Error(event.message));
    worker.onmessage = ({ data }: MessageEvent<Told>) => {
      if (data.type === 'failed') reject(new Error(data.error.message));
      if (data.type === 'saved') last = data.record;
      if (data.type === 'begins') begun = data.step;
      if (data.type === 'begins' && data.step === 4) setTimeout(resolve, delayMs);
    };
    worker.postMessage({ type: 'loop', runId, bytes: 3_000_000 } satisfies Ask);
  });
  worker.terminate();
  if (!last) throw new Error('nothing was saved');
  return { acknowledged: last, cut: begun > last.step };
}

test('a worker killed in mid-save loses no acknowledged checkpoint, and the next start sweeps what it left', async () => {
  let cut = 0;
  let swept = 0;
  for (const delayMs of [0, 2, 4, 8, 12, 16, 20, 25, 30, 40]) {
    const runId = `killed-${delayMs}`;
    await createRun(run(runId));
    const kill = await killedInSave(runId, delayMs);
    if (kill.cut) cut++;
    const records = await listCheckpoints(runId);
    for (const record of records) await loadCheckpoint(record);
    // Saves may have been committed just before the kill, their messages lost; two more retire the acknowledged one.
    const ahead = (records[0]?.step ?? 0) - kill.acknowledged.step;
    expect(ahead).toBeGreaterThanOrEqual(0);
    if (ahead < 2) expect(records).toContainEqual(kill.acknowledged);
    await expect
      .poll(async () => {
        swept += (await sweepOrphans()).files;
        return filesOf(runId);
      })
      .toEqual((await listCheckpoints(runId)).map(({ file }) => file).sort());
  }
  // The fault did happen: saves were cut, and some left a file behind.
  expect(cut).toBeGreaterThan(3);
  expect(swept).toBeGreaterThan(0);
});

describe('damage on disk', () => {
  const state = { step: 7, note: 'metadata' };
  const bytes = encodeCheckpoint({ state, tensors: new Map([['w', Float32Array.of(1.5, 2.5, 3.5)]]) });
  const text = new TextDecoder('latin1').decode(bytes);
  const regions = {
    'header length': 0,
    'header JSON': text.indexOf('data_offsets'),
    metadata: text.indexOf('note'),
    'tensor data': bytes.length - 9, // the high byte of the first value
    end: bytes.length - 1,
  };
  const damages: Record<string, (at: number) => Uint8Array<ArrayBuffer>> = {
    flipped: (at) => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte)),
    zeroed: (at) => bytes.map((byte, i) => (i === at ? 0 : byte)),
    cut: (at) => bytes.filter((_, i) => i !== at),
  };
  const cases = Object.entries(regions).flatMap(([region, at]) =>
    Object.keys(damages).map((damage) => [damage, region, at] as const),
  );

  test.each(cases)('one byte %s in the %s is detected, and the older checkpoint is used', async (damage, _, at) => {
    const older = noise(100);
    await saveCheckpoint('a', older, info(1), 2);
    const record = await saveCheckpoint('a', bytes, info(2), 2);
    const damaged = damages[damage]!(at);
    expect(damaged).not.toEqual(bytes);
    await writeFile(opfs, record.file, bytesInPieces(damaged));
    const why = damage === 'cut' ? `has ${bytes.length - 1} bytes; expected ${bytes.length}` : 'SHA-256 is';
    await expect(loadCheckpoint(record)).rejects.toMatchObject({ code: 'checkpoint.broken' });
    await expect(loadCheckpoint(record)).rejects.toThrow(why);
    const found = await newestCheckpoint('a');
    expect(found?.record.step).toBe(1);
    expect(new Uint8Array(await found!.file.arrayBuffer())).toEqual(older);
    expect(found?.skipped).toEqual([expect.stringContaining(why)]);
    // Nothing is deleted: the file can still be looked at.
    expect(await opfs.read(record.file)).toEqual(damaged);
  });

  test('undamaged it is used, and holds what was saved', async () => {
    await saveCheckpoint('a', bytes, info(2), 2);
    const found = await newestCheckpoint('a');
    expect(found?.skipped).toEqual([]);
    expect(decodeCheckpoint(new Uint8Array(await found!.file.arrayBuffer()), 'ck').state).toEqual(state);
  });

  test('a missing file is named, and a run without any whole checkpoint says why', async () => {
    const record = await saveCheckpoint('a', bytes, info(2), 2);
    await opfs.remove(record.file);
    await expect(loadCheckpoint(record)).rejects.toThrow('the file is missing');
    const newest = newestCheckpoint('a');
    await expect(newest).rejects.toMatchObject({ code: 'checkpoint.broken' });
    await expect(newest).rejects.toThrow('none of its 1 checkpoints is whole');
  });
});

describe('sweeping', () => {
  test('removes files without a record and checkpoints whose run is gone, and nothing else', async () => {
    const kept = await saveCheckpoint('a', noise(1000), info(1), 2);
    const stray = await saveCheckpoint('gone', noise(1000), info(1), 2);
    await writeFile(opfs, 'ck-a-7-0123abcd', bytesInPieces(noise(2000)));
    await writeFile(opfs, 'ck-other-file', bytesInPieces(noise(10)));
    expect(await sweepOrphans()).toEqual({ files: 1, bytes: 2000 });
    expect(await filesOf('a')).toEqual([kept.file]);
    expect(await opfs.read(stray.file)).toBeNull();
    expect(await listCheckpoints('gone')).toEqual([]);
    expect(await filesOf('other')).toEqual(['ck-other-file']);
    expect(await sweepOrphans()).toEqual({ files: 0, bytes: 0 });
  });

  test('leaves a file alone that a save elsewhere is just writing', async () => {
    let goOn = (): void => undefined;
    const stalled = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    let reached = (): void => undefined;
    const waiting = new Promise<void>((resolve) => {
      reached = resolve;
    });
    const blob: typeof opfs.blob = async (name) => {
      reached();
      await stalled;
      return opfs.blob(name);
    };
    const slow = createCheckpointStore({ ...opfs, blob }, runDatabase);
    const bytes = noise(5000);
    const saving = slow.save('a', [{ bytes, info: info(1) }], 2);
    await waiting;
    expect((await filesOf('a')).length).toBe(1);
    expect(await sweepOrphans()).toEqual({ files: 0, bytes: 0 });
    goOn();
    expect(await loadCheckpoint((await saving)[0]!)).toEqual(bytes);
  });
});
