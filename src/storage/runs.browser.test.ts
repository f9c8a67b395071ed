// Runs, their event logs and artifacts in a real IndexedDB.

import { beforeEach, expect, test, vi } from 'vitest';
import type { RunRecord } from './runs';
import {
  appendEvents,
  createRun,
  deleteRun,
  findRun,
  getArtifact,
  lastEvent,
  listRuns,
  putArtifacts,
  readEvents,
  truncateEvents,
  updateRun,
  countEvents,
  readEventBatches,
  readEventsAt,
} from './runs';

function run(id: string, createdAt = 1): RunRecord {
  const names = { datasetId: 'd', datasetName: 'demo', modelName: 'tiny' };
  return { id, createdAt, seed: 5, ...names, recipe: { r: 8 }, state: 'running' };
}

beforeEach(async () => {
  for (const { id } of await listRuns()) await deleteRun(id);
});

test('runs are listed newest first and keep what an update does not name', async () => {
  await createRun(run('a', 1));
  await createRun(run('b', 2));
  await updateRun('a', { state: 'finished', summary: { steps: 3 } });
  expect(await listRuns()).toEqual([run('b', 2), { ...run('a', 1), state: 'finished', summary: { steps: 3 } }]);
});

test('a second run of the same id and an update of an unknown run are refused', async () => {
  await createRun(run('a'));
  await expect(createRun({ ...run('a'), seed: 6 })).rejects.toMatchObject({ code: 'storage.exists' });
  await expect(updateRun('zz', { state: 'failed' })).rejects.toMatchObject({ code: 'storage.missing' });
  expect((await listRuns()).map((record) => record.seed)).toEqual([5]);
});

test('events come back in numeric order of seq, only those of the run', async () => {
  await appendEvents('a', [{ seq: 10 }, { seq: 2 }]);
  await appendEvents('ab', [{ seq: 0 }]);
  await appendEvents('a', [{ seq: 100 }, { seq: 3 }]);
  await appendEvents('a', []);
  expect(await readEvents('a')).toEqual([{ seq: 2 }, { seq: 3 }, { seq: 10 }, { seq: 100 }]);
  expect(await readEvents('a', 3)).toEqual([{ seq: 3 }, { seq: 10 }, { seq: 100 }]);
  expect(await readEvents('a', 101)).toEqual([]);
  expect(await readEvents('none')).toEqual([]);
  await deleteRun('a');
  await deleteRun('ab');
});

test('a log read batch by batch has every event once, in order, and an event is found by its seq', async () => {
  const seqs = [0, 1, ...Array.from({ length: 40 }, (_, i) => 5 + 3 * i)];
  for (const id of ['a', 'ab']) {
    await appendEvents(
      id,
      seqs.map((seq) => ({ seq, id })),
    );
  }
  const batches: { seq: number }[][] = [];
  for await (const batch of readEventBatches('a')) batches.push(batch);
  expect(batches.length).toBeGreaterThan(1);
  expect(batches.flat()).toEqual(await readEvents('a'));
  const rest: number[] = [];
  for await (const batch of readEventBatches('a', 6)) rest.push(...batch.map(({ seq }) => seq));
  expect(rest).toEqual(seqs.slice(3));
  expect(await countEvents('a')).toBe(seqs.length);
  expect(await readEventsAt('a', [8, 6, 0])).toEqual([{ seq: 8, id: 'a' }, undefined, { seq: 0, id: 'a' }]);
  for (const id of ['a', 'ab']) await deleteRun(id);
});

test('cutting a log removes the events from a seq on, of that run only', async () => {
  const seqs = [0, 2, 9, 10, 11, 100];
  for (const id of ['a', 'ab']) {
    await appendEvents(
      id,
      seqs.map((seq) => ({ seq })),
    );
  }
  await truncateEvents('a', 10);
  expect(await readEvents('a')).toEqual([{ seq: 0 }, { seq: 2 }, { seq: 9 }]);
  expect((await readEvents('ab')).length).toBe(seqs.length);
  await truncateEvents('a', 50);
  await truncateEvents('none', 0);
  expect((await readEvents('a')).length).toBe(3);
  await truncateEvents('ab', 0);
  expect(await readEvents('ab')).toEqual([]);
  await deleteRun('a');
});

test('a run is found by its id, with where it stands', async () => {
  await createRun(run('a'));
  await updateRun('a', { position: { stage: 'sft', step: 4 }, adapterName: 'a' });
  expect(await findRun('a')).toMatchObject({ position: { stage: 'sft', step: 4 }, adapterName: 'a' });
  expect(await findRun('none')).toBeUndefined();
});

test('the last event of a log is the one with the highest seq of this run', async () => {
  await appendEvents('a', [{ seq: 1 }, { seq: 20 }, { seq: 3 }]);
  await appendEvents('b', [{ seq: 99 }]);
  expect(await lastEvent('a')).toEqual({ seq: 20 });
  expect(await lastEvent('none')).toBeUndefined();
  for (const id of ['a', 'b']) await deleteRun(id);
});

test('an event that cannot be cloned keeps its whole batch out', async () => {
  const bad = { seq: 2, f: () => 1 };
  await expect(appendEvents('a', [{ seq: 1 }, bad])).rejects.toMatchObject({ code: 'storage.failed' });
  expect(await readEvents('a')).toEqual([]);
});

test('an append is one transaction that does not wait for the disk, so that many a second hold nothing up', async () => {
  const opened = vi.spyOn(IDBDatabase.prototype, 'transaction');
  for (let seq = 0; seq < 3; seq++) await appendEvents('quick', [{ seq }]);
  expect(opened.mock.calls).toEqual(Array(3).fill([['events'], 'readwrite', { durability: 'relaxed' }]));
  opened.mockRestore();
  expect((await readEvents('quick')).length).toBe(3);
  await deleteRun('quick');
});

test('deleting a run takes its events and artifacts along, and no others', async () => {
  await createRun(run('a'));
  await createRun(run('b'));
  for (const id of ['a', 'b']) {
    await appendEvents(id, [{ seq: 1 }]);
    await putArtifacts(id, { 'adapter.zip': Uint8Array.of(1, 2) });
  }
  await deleteRun('a');
  expect((await listRuns()).map((record) => record.id)).toEqual(['b']);
  expect(await readEvents('a')).toEqual([]);
  expect(await getArtifact('a', 'adapter.zip')).toBeNull();
  expect(await readEvents('b')).toEqual([{ seq: 1 }]);
  expect(await getArtifact('b', 'adapter.zip')).toEqual(Uint8Array.of(1, 2));
  await deleteRun('b');
});
