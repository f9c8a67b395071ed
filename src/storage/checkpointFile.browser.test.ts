// A run exported to one file and imported again, in the browser's real storage.

import { beforeEach, describe, expect, test } from 'vitest';
import { sha256Hex } from '../base/bytes';
import { bytesInPieces, hashPieces, PIECE_BYTES } from '../base/filePieces';
import { encodeCheckpoint } from '../formats/checkpoint';
import { writeGzipLines } from '../formats/gzipLines';
import { encodeRunFile } from '../formats/runFile';
import { parseSafetensors, writeSafetensors } from '../formats/safetensors';
import { exportRunFile, importRunFile } from './checkpointFile';
import { listCheckpoints, loadCheckpoint, newestCheckpoint, saveCheckpoint } from './checkpointStore';
import { opfs, writeFile } from './opfs';
import { runDatabase } from './runDatabase';
import { appendEvents, createRun, deleteRun, findRun, listRuns, readEvents, truncateEvents, updateRun } from './runs';

type Bytes = Uint8Array<ArrayBuffer>;
const ID = 'run-1';

function checkpointBytes(step: number): Bytes {
  const tensors = new Map([
    ['adapter', Float32Array.of(0.1, -0, step)],
    ['adam.m', new Float32Array(50).fill(step / 3)],
  ]);
  return encodeCheckpoint({ state: { step, rate: 0.1 + 0.2, zero: -0, order: [3, 1, 2] }, tensors });
}

function event(seq: number) {
  return { type: 'step', runId: ID, seq, time: 1000 + seq, metrics: { loss: 1 / (seq + 1), kl: seq % 2 ? NaN : -0 } };
}

async function save(step: number, best = false): Promise<void> {
  await saveCheckpoint(ID, checkpointBytes(step), { stage: 'sft', step, logSeq: 10 * step, best }, 2);
}

/** A run at its second checkpoint, with two events more in its log. */
async function makeRun(): Promise<void> {
  const names = { datasetId: 'd', datasetName: 'demo', modelName: 'tiny' };
  await createRun({ id: ID, createdAt: 7, seed: 5, ...names, recipe: { lora: { r: 8 } }, state: 'running' });
  await appendEvents(
    ID,
    [0, 3, 9, 10, 19, 20, 21].map((seq) => event(seq)),
  );
  await save(1);
  await save(2);
}

async function everything() {
  const checkpoints = [];
  for (const record of await listCheckpoints(ID)) checkpoints.push([record, await loadCheckpoint(record)]);
  return { runs: await listRuns(), events: await readEvents(ID), checkpoints };
}

beforeEach(async () => {
  for (const { id } of await listRuns()) await deleteRun(id);
});

describe('moving a run', () => {
  test('exported, deleted and imported it has equal bytes, the same log, and can go on', async () => {
    await makeRun();
    const file = await exportRunFile(ID);
    expect(await exportRunFile(ID)).toEqual(file);
    await deleteRun(ID);
    const record = await importRunFile(file, 'run.safetensors');
    expect(record).toEqual({
      ...{ id: ID, createdAt: 7, seed: 5, datasetId: 'd', datasetName: 'demo', modelName: 'tiny' },
      ...{ recipe: { lora: { r: 8 } }, state: 'stopped' },
      position: { stage: 'sft', step: 2 },
    });
    expect(await listRuns()).toEqual([record]);
    const events = await readEvents(ID);
    expect(events).toStrictEqual([0, 3, 9, 10, 19].map(event));
    expect(Object.is((events[0] as ReturnType<typeof event>).metrics.kl, -0)).toBe(true);
    const newest = await newestCheckpoint(ID);
    expect(new Uint8Array(await newest!.file.arrayBuffer())).toEqual(checkpointBytes(2));
    expect(newest?.record).toMatchObject({ stage: 'sft', step: 2, logSeq: 20, best: false });
    expect(await exportRunFile(ID)).toEqual(file);
  });

  test('the file is safetensors, with the tensors under their names', async () => {
    await makeRun();
    const { tensors, metadata } = parseSafetensors(await exportRunFile(ID));
    expect([...tensors.keys()]).toEqual(['adam.m', 'adapter', '~log', '~sha256']);
    expect(JSON.parse(metadata.lorikeet!)).toMatchObject({ kind: 'run', schema: 1, about: { record: { id: ID } } });
  });

  test('an older best checkpoint travels along and stays the best', async () => {
    await makeRun();
    await save(3, true);
    await appendEvents(ID, [event(30)]);
    await save(4);
    const file = await exportRunFile(ID);
    await deleteRun(ID);
    await importRunFile(file, 'run.safetensors');
    const records = await listCheckpoints(ID);
    expect(records.map(({ step, best }) => [step, best])).toEqual([
      [4, false],
      [3, true],
    ]);
    expect(await loadCheckpoint(records[1]!)).toEqual(checkpointBytes(3));
  });

  test('with its newest checkpoint damaged, the older one is exported, and the log up to there', async () => {
    await makeRun();
    const [newest] = await listCheckpoints(ID);
    await writeFile(opfs, newest!.file, bytesInPieces(new Uint8Array(9)));
    const file = await exportRunFile(ID);
    await deleteRun(ID);
    expect(await importRunFile(file, 'f')).toMatchObject({ position: { stage: 'sft', step: 1 } });
    expect(await readEvents(ID)).toStrictEqual([0, 3, 9].map(event));
  });

  test('a run that is unknown or has no checkpoint is refused by name', async () => {
    await expect(exportRunFile('none')).rejects.toMatchObject({ code: 'storage.missing' });
    await createRun({ ...(await template()), id: 'bare' });
    await expect(exportRunFile('bare')).rejects.toMatchObject({ code: 'runFile.noCheckpoint' });
  });
});

const info = { stage: 'sft', step: 1, logSeq: 10, best: false };

async function template() {
  const names = { datasetId: 'd', datasetName: 'demo', modelName: 'tiny' };
  return { id: ID, createdAt: 7, seed: 5, ...names, recipe: {}, state: 'running' };
}

describe('a run that is stored already', () => {
  test('the same again changes nothing', async () => {
    await makeRun();
    const before = await everything();
    expect(await importRunFile(await exportRunFile(ID), 'f')).toEqual(before.runs[0]);
    expect(await everything()).toEqual(before);
  });

  test.each([
    ['as a whole', undefined],
    ['in pieces of another size', PIECE_BYTES / 4],
  ])('the same again changes nothing when an older version has hashed a large checkpoint %s', async (_, pieceBytes) => {
    await makeRun();
    const adapter = new Float32Array(PIECE_BYTES / 4 + 1).map((_, i) => i);
    const bytes = encodeCheckpoint({ state: { step: 3 }, tensors: new Map([['adapter', adapter]]) });
    const { pieceBytes: usual, ...record } = await saveCheckpoint(ID, bytes, info, 1);
    expect(usual).toBe(PIECE_BYTES);
    const older = pieceBytes
      ? { ...record, pieceBytes, sha256: await hashPieces(bytesInPieces(bytes, pieceBytes)) }
      : { ...record, sha256: await sha256Hex(bytes) };
    const key = [ID, record.generation];
    await runDatabase.transact(['checkpoints'], (open) => void open('checkpoints').put(older, key));
    expect(await importRunFile(await exportRunFile(ID), 'f')).toEqual((await listRuns())[0]);
    expect(await listCheckpoints(ID)).toEqual([older]);
  });

  test('a file that is behind, or of a finished run, is refused', async () => {
    await makeRun();
    const file = await exportRunFile(ID);
    await save(3);
    const before = await everything();
    const refused = importRunFile(file, 'old.safetensors');
    await expect(refused).rejects.toMatchObject({ code: 'runFile.exists' });
    await expect(refused).rejects.toThrow('old.safetensors: run run-1 is stored in this browser already');
    expect(await everything()).toEqual(before);
    const later = await exportRunFile(ID);
    await deleteRun(ID);
    await makeRun();
    await updateRun(ID, { state: 'finished' });
    await expect(importRunFile(later, 'f')).rejects.toMatchObject({ code: 'runFile.exists' });
  });

  test('a continuation takes its place, whole', async () => {
    await makeRun();
    const behind = await exportRunFile(ID);
    await truncateEvents(ID, 20);
    await appendEvents(
      ID,
      [25, 29].map((seq) => event(seq)),
    );
    await save(3);
    const ahead = await exportRunFile(ID);
    await deleteRun(ID);
    await importRunFile(behind, 'behind');
    await appendEvents(ID, [event(20), event(24)]);
    const replaced = (await listCheckpoints(ID))[0]!.file;
    await importRunFile(ahead, 'ahead');
    expect(await readEvents(ID)).toStrictEqual([0, 3, 9, 10, 19, 25, 29].map(event));
    expect((await listCheckpoints(ID)).map(({ step }) => step)).toEqual([3]);
    expect(await opfs.read(replaced)).toBeNull();
    expect(await findRun(ID)).toMatchObject({ state: 'stopped', position: { stage: 'sft', step: 3 } });
  });

  test('a file that went another way is refused', async () => {
    await makeRun();
    await save(3);
    const other = await exportRunFile(ID);
    await deleteRun(ID);
    await makeRun();
    const changed = { ...event(19), time: 5 };
    await appendEvents(ID, [changed]);
    const before = await everything();
    const refused = importRunFile(other, 'other');
    await expect(refused).rejects.toMatchObject({ code: 'runFile.exists' });
    await expect(refused).rejects.toThrow('went another way');
    expect(await everything()).toEqual(before);
  });
});

/** The export of a run that is deleted again. */
async function exported(): Promise<Bytes> {
  await makeRun();
  const file = await exportRunFile(ID);
  await deleteRun(ID);
  return file;
}

async function nothingStored(): Promise<void> {
  expect(await listRuns()).toEqual([]);
  expect(await readEvents(ID)).toEqual([]);
  expect(await listCheckpoints(ID)).toEqual([]);
  expect(await opfs.list(`ck-${ID}-`)).toEqual([]);
}

describe('files that are refused, with nothing stored', () => {
  test('one byte flipped, zeroed or cut anywhere', async () => {
    const file = await exported();
    const text = new TextDecoder('latin1').decode(file);
    const dataStart = 8 + new DataView(file.buffer).getUint32(0, true);
    const places = [0, 8, text.indexOf('datasetName'), text.indexOf('data_offsets'), text.indexOf('"schema') + 2];
    places.push(dataStart + 2, text.lastIndexOf('\x1f\x8b'), file.length - 40, file.length - 1);
    const tampered = places.flatMap((at) => [
      file.map((byte, i) => (i === at ? byte ^ 1 : byte)),
      file.map((byte, i) => (i === at ? 0 : byte)),
      file.filter((_, i) => i !== at),
    ]);
    for (const bytes of tampered.filter(
      (each) => each.some((byte, i) => byte !== file[i]) || each.length < file.length,
    )) {
      await expect(importRunFile(bytes, 'f')).rejects.toMatchObject({ code: 'runFile.broken' });
    }
    for (const size of [0, 4, dataStart >> 1, dataStart, file.length - 1]) {
      await expect(importRunFile(file.slice(0, size), 'f')).rejects.toMatchObject({
        code: size > 200 ? 'runFile.broken' : 'runFile.foreign',
      });
    }
    await nothingStored();
    expect((await importRunFile(file, 'f')).id).toBe(ID);
  });

  test('files of other kinds are named as foreign', async () => {
    const others: Bytes[] = [
      new TextEncoder().encode('{"log_history": []}'),
      new TextEncoder().encode('<!doctype html><html></html>'),
      writeSafetensors([], { format: 'pt' }),
      checkpointBytes(1),
    ];
    for (const bytes of others) {
      await expect(importRunFile(bytes, 'f')).rejects.toMatchObject({ code: 'runFile.foreign' });
    }
    await nothingStored();
  });

  test('a newer schema is kept and explained', async () => {
    const file = await exported();
    const at = new TextDecoder('latin1').decode(file).indexOf('schema\\":1') + 9;
    file[at] = '2'.charCodeAt(0);
    await expect(importRunFile(file, 'f')).rejects.toMatchObject({ code: 'checkpoint.newer' });
    await nothingStored();
  });

  const record = { id: ID, createdAt: 7, seed: 5, datasetId: 'd', datasetName: 'n', modelName: 'm', recipe: {} };

  async function crafted(about: Record<string, unknown>, log: unknown[] | Bytes = []): Promise<Bytes> {
    return encodeRunFile({
      checkpoint: { state: {}, tensors: new Map() },
      about: { record, checkpoint: info, events: Array.isArray(log) ? log.length : 0, ...about },
      log: Array.isArray(log) ? await writeGzipLines(log, 'log') : log,
    });
  }

  const cases: [string, () => Promise<Bytes>, string][] = [
    ['an id with a path', () => crafted({ record: { ...record, id: '../x' } }), 'record.id'],
    ['a seed that is a string', () => crafted({ record: { ...record, seed: '5' } }), 'record.seed'],
    ['a recipe that is a list', () => crafted({ record: { ...record, recipe: [] } }), 'record.recipe'],
    ['no record', () => crafted({ record: null }), 'record'],
    ['a negative step', () => crafted({ checkpoint: { ...info, step: -1 } }), 'checkpoint.step'],
    ['another count of events', () => crafted({ events: 3 }), 'has 0 events; expected 3'],
    ['a best checkpoint that is not there', () => crafted({ best: info }), 'best checkpoint is missing'],
    ['events out of order', () => crafted({}, [event(2), event(1)]), 'line 2 of the log'],
    ['an event after the checkpoint', () => crafted({}, [event(10)]), 'line 1 of the log'],
    ['an event of another run', () => crafted({}, [{ ...event(1), runId: 'x' }]), 'line 1 of the log'],
    ['an event that is no object', () => crafted({}, [7]), 'line 1 of the log'],
    ['a log that is not gzip', () => crafted({}, Uint8Array.of(1, 2, 3)), 'the log'],
  ];
  test.each(cases)('a whole file with %s', async (_, make, message) => {
    const importing = importRunFile(await make(), 'f.safetensors');
    await expect(importing).rejects.toMatchObject({ code: 'runFile.broken' });
    await expect(importing).rejects.toThrow(message);
    await nothingStored();
  });

  test('fields that a record should not have are left behind', async () => {
    const extra = { ...record, state: 'finished', summary: { steps: 9 }, evil: 1 };
    expect(await importRunFile(await crafted({ record: extra }), 'f')).toEqual({
      ...record,
      state: 'stopped',
      position: { stage: 'sft', step: 1 },
    });
  });
});
