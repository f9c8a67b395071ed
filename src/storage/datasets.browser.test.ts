// Datasets in a real IndexedDB.

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { DatasetInfo, DatasetRow, Thumbnails } from '../base/dataset';
import {
  deleteDataset,
  dropUnusedImages,
  listDatasets,
  loadDataset,
  loadImage,
  loadThumbnail,
  saveDataset,
} from './datasets';

function info(id: string, createdAt = 1): DatasetInfo {
  const counts = { trainRows: 1, valRows: 0, images: 1, bytes: 3, promptTokens: null, targetTokens: null };
  return { id, name: `set ${id}`, createdAt, ...counts, problems: [] };
}

function row(image: string): DatasetRow {
  const text = { imageName: 'a.png', question: 'Q?', thought: 'T.', answer: 'A' };
  return { image, ...text, split: 'train', file: 'train.jsonl', line: 1 };
}

function bytesOf(...names: string[]): Map<string, Uint8Array> {
  return new Map(names.map((name, i) => [name, Uint8Array.of(i, i + 1, i + 2)]));
}

beforeEach(async () => {
  for (const { id } of await listDatasets()) await deleteDataset(id);
});

afterEach(() => {
  vi.restoreAllMocks();
});

test('a saved dataset is listed and read back with rows, images, sizes and thumbnails', async () => {
  const small = new Map([['h1', { library: Uint8Array.of(9) }]]);
  const sizes = new Map([['h1', { width: 3, height: 2, orientation: 6 }]]);
  await saveDataset(info('one', 1), [row('h1')], bytesOf('h1'), small, undefined, sizes);
  await saveDataset(info('two', 2), [row('h2')], bytesOf('h2'));
  expect((await listDatasets()).map((entry) => entry.id)).toEqual(['two', 'one']);
  expect(await loadDataset('one')).toEqual({ info: info('one', 1), rows: [row('h1')], sizes });
  expect(await loadImage('h1')).toEqual(Uint8Array.of(0, 1, 2));
  expect(await loadThumbnail('h1', 'library')).toEqual(Uint8Array.of(9));
  expect(await loadThumbnail('h2', 'library')).toBeNull();
});

test('a thumbnail shows what the loading makes of a picture, also where an older version stored one for both', async () => {
  const both = { library: Uint8Array.of(1), recipe: Uint8Array.of(2) };
  const older = Uint8Array.of(3) as unknown as Thumbnails;
  const small = new Map<string, Thumbnails>([
    ['h1', both],
    ['h2', { library: Uint8Array.of(4) }],
    ['h3', older],
  ]);
  await saveDataset(info('one'), [row('h1'), row('h2'), row('h3')], bytesOf('h1', 'h2', 'h3'), small);
  const shown = async (loading: 'library' | 'recipe') =>
    Promise.all(['h1', 'h2', 'h3'].map(async (hash) => (await loadThumbnail(hash, loading))?.[0]));
  expect(await shown('library')).toEqual([1, 4, 3]);
  expect(await shown('recipe')).toEqual([2, 4, 3]);
});

test('deleting a dataset keeps the images that another one uses', async () => {
  await saveDataset(info('one'), [row('shared'), row('own')], bytesOf('shared', 'own'));
  await saveDataset(info('two'), [row('shared')], bytesOf('shared'));
  await deleteDataset('one');
  await expect(loadDataset('one')).rejects.toMatchObject({ code: 'storage.missing' });
  await expect(loadImage('own')).rejects.toMatchObject({ code: 'storage.missing' });
  expect(await loadImage('shared')).toEqual(Uint8Array.of(0, 1, 2));
});

test('a dataset whose image was not given is not stored, and its other images go', async () => {
  const failed = saveDataset(info('half'), [row('given'), row('absent')], bytesOf('given'));
  await expect(failed).rejects.toMatchObject({ code: 'storage.imageMissing' });
  expect(await listDatasets()).toEqual([]);
  await expect(loadImage('given')).rejects.toMatchObject({ code: 'storage.missing' });
});

test('saving the same id again replaces the rows', async () => {
  await saveDataset(info('one'), [row('h1')], bytesOf('h1'));
  await saveDataset(info('one'), [row('h2')], bytesOf('h2'));
  expect((await loadDataset('one')).rows).toEqual([row('h2')]);
  await dropUnusedImages();
  await expect(loadImage('h1')).rejects.toMatchObject({ code: 'storage.missing' });
});

test('a sweep reads keys, never rows or pictures', async () => {
  await saveDataset(info('one'), [row('h1')], bytesOf('h1'), new Map([['h1', { library: Uint8Array.of(9) }]]));
  const readers = (['get', 'getAll', 'openCursor'] as const).map((name) => vi.spyOn(IDBObjectStore.prototype, name));
  const indexReaders = (['get', 'getAll', 'openCursor'] as const).map((name) => vi.spyOn(IDBIndex.prototype, name));
  await dropUnusedImages();
  for (const reader of [...readers, ...indexReaders]) expect(reader).not.toHaveBeenCalled();
  expect(await loadImage('h1')).toEqual(Uint8Array.of(0, 1, 2));
});

test('a transaction that the browser aborts leaves no half-written dataset', async () => {
  await saveDataset(info('before'), [row('h1')], bytesOf('h1'));
  const put = IDBObjectStore.prototype.put;
  vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (this: IDBObjectStore, value, key) {
    const pending = put.call(this, value, key);
    // As a full disk does it: the put itself succeeds, then the whole transaction aborts.
    if (this.name === 'infos') queueMicrotask(() => this.transaction.abort());
    return pending;
  });
  const failed = saveDataset(info('after'), [row('h1'), row('h2')], bytesOf('h1', 'h2'));
  await expect(failed).rejects.toMatchObject({ code: 'storage.failed' });
  vi.restoreAllMocks();
  expect((await listDatasets()).map((entry) => entry.id)).toEqual(['before']);
  expect(await loadImage('h1')).toEqual(Uint8Array.of(0, 1, 2));
  await expect(loadImage('h2')).rejects.toMatchObject({ code: 'storage.missing' });
});

test('images that vanish while a dataset is being saved are written again with its record', async () => {
  const getAllKeys = IDBObjectStore.prototype.getAllKeys;
  let swept = false;
  const saving = saveDataset(info('one'), [row('h1')], bytesOf('h1'));
  vi.spyOn(IDBObjectStore.prototype, 'getAllKeys').mockImplementation(function (this: IDBObjectStore) {
    if (!swept && this.name === 'images' && this.transaction.mode === 'readwrite') {
      swept = true;
      this.delete('h1');
    }
    return getAllKeys.call(this);
  });
  await saving;
  expect(swept).toBe(true);
  expect(await loadImage('h1')).toEqual(Uint8Array.of(0, 1, 2));
});
