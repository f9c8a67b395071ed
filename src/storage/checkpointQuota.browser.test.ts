// A real full disk under checkpoints: the browser's own quota, set through the DevTools protocol.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { cdp } from 'vitest/browser';
import { sha256Hex } from '../base/bytes';
import { LorikeetError } from '../base/errors';
import { listDatasets, deleteDataset } from './datasets';
import { listCheckpoints, loadCheckpoint, saveCheckpoint } from './checkpointStore';
import { opfs } from './opfs';
import { createRun, deleteRun, listRuns } from './runs';
import { noise } from './testing/checkpointFaults';
import type { Ask, Told } from './testing/checkpoint.worker';

interface Session {
  send(method: string, params: Record<string, unknown>): Promise<unknown>;
}

const MB = 1024 * 1024;

async function setQuota(bytes?: number): Promise<void> {
  const params = { origin: location.origin, ...(bytes === undefined ? {} : { quotaSize: bytes }) };
  await (cdp() as unknown as Session).send('Storage.overrideQuotaForOrigin', params);
}

async function empty(): Promise<void> {
  // All test files share one origin's storage.
  for (const { id } of await listDatasets()) await deleteDataset(id);
  for (const { id } of await listRuns()) await deleteRun(id);
  for (const { name } of await opfs.list('ck-')) await opfs.remove(name);
}

function info(step: number) {
  return { stage: 'sft', step, logSeq: step, best: false };
}

async function saveHere(bytes: Uint8Array<ArrayBuffer>, step: number): Promise<void> {
  await saveCheckpoint('full', bytes, info(step), 2);
}

async function saveInWorker(bytes: Uint8Array<ArrayBuffer>, step: number): Promise<void> {
  const worker = new Worker(new URL('./testing/checkpoint.worker.ts', import.meta.url), { type: 'module' });
  const told = await new Promise<Told>((resolve, reject) => {
    worker.onerror = (event) => reject(new Error(event.message));
    worker.onmessage = ({ data }: MessageEvent<Told>) => resolve(data);
    worker.postMessage({ type: 'save', runId: 'full', bytes, info: info(step), keep: 2 } satisfies Ask);
  }).finally(() => worker.terminate());
  if (told.type === 'failed') throw new LorikeetError(told.error.code, told.error.message);
}

/** Chromium trusts for 30 s what it last heard about free space; other tests may just have made it ask. */
async function waitForQuota(): Promise<void> {
  await createRun({
    id: 'probe',
    createdAt: 1,
    seed: 1,
    datasetId: '',
    datasetName: '',
    modelName: '',
    recipe: {},
    state: '',
  });
  for (;;) {
    const refused = await saveCheckpoint('probe', noise(40 * MB), info(1), 1).then(
      () => false,
      () => true,
    );
    if (refused) break;
    await new Promise((resolve) => setTimeout(resolve, 3000));
  }
  await deleteRun('probe');
}

beforeAll(async () => {
  await empty();
  await setQuota(24 * MB);
  await waitForQuota();
});

afterAll(async () => {
  await setQuota();
  await empty();
});

const places = [
  ['a worker', saveInWorker],
  ['the page', saveHere],
] as const;

test.each(places)('a checkpoint of %s beyond the quota is refused by name, and the others stay', async (_, save) => {
  await empty();
  const kept = [noise(2 * MB), noise(2 * MB)];
  await save(kept[0]!, 1);
  await save(kept[1]!, 2);
  const refused = await save(noise(40 * MB), 3).then(
    () => 'stored',
    (error: LorikeetError) => `${error.code}: ${error.message}`,
  );
  expect(refused).toMatch(/^storage\.quota: /);
  const records = await listCheckpoints('full');
  expect(records.map(({ step }) => step)).toEqual([2, 1]);
  for (const record of records) {
    expect(await sha256Hex(await loadCheckpoint(record))).toBe(await sha256Hex(kept[record.step - 1]!));
  }
  expect((await opfs.list('ck-')).map(({ name }) => name).sort()).toEqual(records.map(({ file }) => file).sort());
  // What fits is stored again at once.
  await save(noise(2 * MB), 4);
  expect((await listCheckpoints('full')).map(({ step }) => step)).toEqual([4, 2]);
});
