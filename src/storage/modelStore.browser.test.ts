import { beforeEach, expect, test } from 'vitest';
import type { HubFile, HubModel } from '../base/hubModel';
import { hubModelKey } from '../base/hubModel';
import { modelDatabase, modelFileLock, modelLock } from './modelDatabase';
import {
  deleteModel,
  listModels,
  missingBytes,
  modelFolder,
  openStoredModel,
  putModel,
  sweepModels,
} from './modelStore';

const COMMIT = '0123456789'.repeat(4);

function file(name: string, bytes: number): HubFile {
  return { name, bytes, algorithm: 'sha256', hash: name.padEnd(64, '0') };
}

function model(id: string, files: HubFile[]): HubModel {
  const bytes = files.reduce((sum, one) => sum + one.bytes, 0);
  return { id, revision: 'main', endpoint: 'https://huggingface.co', commit: COMMIT, licence: null, files, bytes };
}

const A = file('a', 10);
const SHARED = file('b', 2_000_000);
const ONE = model('x/one', [A, SHARED]);
const TWO = model('x/two', [SHARED]);
const KEY = hubModelKey(ONE);

async function write(name: string, bytes: number): Promise<void> {
  const stream = await (await (await modelFolder()).getFileHandle(name, { create: true })).createWritable();
  await stream.write(new Uint8Array(bytes));
  await stream.close();
}

async function names(): Promise<string[]> {
  const found: string[] = [];
  for await (const name of (await modelFolder()).keys()) found.push(name);
  return found.sort();
}

/** A file of the store as one that was checked. */
async function makeWhole({ hash, bytes }: HubFile, size = bytes): Promise<void> {
  await write(hash, size);
  await modelDatabase.transact(['files'], (open) => void open('files').put({ name: hash, bytes, checkedAt: 1 }, hash));
}

beforeEach(async () => {
  await modelDatabase.transact(['models', 'files', 'parts'], (open) => {
    for (const store of ['models', 'files', 'parts']) open(store).clear();
  });
  const folder = await modelFolder();
  for (const name of await names()) await folder.removeEntry(name);
});

test('a file counts only with a record that it had its hash, and with its size', async () => {
  await putModel(ONE);
  await makeWhole(A);
  await write(SHARED.hash, SHARED.bytes);
  await expect(openStoredModel(KEY)).rejects.toMatchObject({ code: 'model.missing', message: /: b lacks/ });
  expect(await missingBytes(ONE)).toBe(SHARED.bytes);
  await makeWhole(SHARED, SHARED.bytes - 1);
  await expect(openStoredModel(KEY)).rejects.toMatchObject({ code: 'model.missing' });
  await makeWhole(SHARED);
  const files = await openStoredModel(KEY);
  expect(Object.entries(files).map(([name, blob]) => [name, blob.size])).toEqual([
    ['a', 10],
    ['b', 2_000_000],
  ]);
  expect((await listModels()).map(({ key, whole, arrived }) => ({ key, whole, arrived }))).toEqual([
    { key: KEY, whole: true, arrived: ONE.bytes },
  ]);
});

test('what has arrived of a file is what its journal says', async () => {
  await putModel(ONE);
  await modelDatabase.transact(['parts'], (open) => {
    const done = [
      [0, 100],
      [500, 1000],
    ];
    open('parts').put({ name: SHARED.hash, done }, SHARED.hash);
  });
  expect(await listModels()).toMatchObject([{ whole: false, arrived: 600 }]);
});

test('deleting a model leaves the files that another model has, and is refused while one is at it', async () => {
  await Promise.all([putModel(ONE), putModel(TWO), makeWhole(A), makeWhole(SHARED)]);
  await navigator.locks.request(modelLock(KEY), async () => {
    await expect(deleteModel(KEY)).rejects.toMatchObject({ code: 'model.inUse' });
  });
  expect(await listModels()).toHaveLength(2);
  await deleteModel(KEY);
  expect(await names()).toEqual([SHARED.hash]);
  expect(await listModels()).toMatchObject([{ id: 'x/two', whole: true }]);
  await deleteModel(hubModelKey(TWO));
  expect(await names()).toEqual([]);
});

test('a sweep removes files and parts that no model has, and none that is being written', async () => {
  const [strange, written] = ['c'.padEnd(64, '0'), 'd'.padEnd(64, '0')];
  await putModel(TWO);
  await makeWhole(SHARED);
  await Promise.all([write(strange, 1_500_000), write(`${strange}.part`, 7), write(`${written}.part`, 7)]);
  await navigator.locks.request(modelFileLock(written), async () => {
    expect((await sweepModels()).bytes).toBeGreaterThanOrEqual(1_500_000);
  });
  expect(await names()).toEqual([SHARED.hash, `${written}.part`]);
  await sweepModels();
  expect(await names()).toEqual([SHARED.hash]);
});
