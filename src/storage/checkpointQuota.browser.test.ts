// A real full disk under checkpoints: the browser's own quota, set through the DevTools protocol.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { sha256Hex } from '../base/bytes';
import { LorikeetError } from '../base/errors';
import { listCheckpoints, loadCheckpoint, saveCheckpoint } from './checkpointStore';
import { opfs } from './opfs';
import { noise } from './testing/noise';
import { beyond, emptyStorage, freeStorage, limitStorage } from './testing/smallDisk';
import type { Ask, Told } from './testing/checkpoint.worker';

const MB = 1024 * 1024;

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

beforeAll(limitStorage);
afterAll(freeStorage);

const places = [
  ['a worker', saveInWorker],
  ['the page', saveHere],
] as const;

test.each(places)('a checkpoint of %s beyond the quota is refused by name, and the others stay', async (_, save) => {
  await emptyStorage();
  const kept = [noise(2 * MB), noise(2 * MB)];
  await save(kept[0]!, 1);
  await save(kept[1]!, 2);
  const refused = await save(noise(beyond()), 3).then(
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
