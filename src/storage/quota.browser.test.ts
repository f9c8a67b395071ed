// A real full disk: the browser's own quota, set through the DevTools protocol.

import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DatasetInfo, DatasetRow } from '../base/dataset';
import { listDatasets, loadImage, saveDataset } from './datasets';
import { appendEvents, getArtifact, putArtifacts, readEvents } from './runs';
import { noise } from './testing/noise';
import { beyond, freeStorage, limitStorage } from './testing/smallDisk';

function row(image: string): DatasetRow {
  const text = { imageName: image, question: 'Q?', thought: 'T.', answer: 'A' };
  return { image, ...text, split: 'train', file: 'train.jsonl', line: 1 };
}

const COUNTS = { trainRows: 1, valRows: 0, images: 1, bytes: 1, promptTokens: null, targetTokens: null };
const info = (id: string): DatasetInfo => ({ id, name: id, createdAt: 1, ...COUNTS, problems: [] });

beforeAll(limitStorage);
afterAll(freeStorage);

test('a dataset beyond the quota is refused by name and leaves nothing behind', async () => {
  await saveDataset(info('small'), [row('tiny')], new Map([['tiny', Uint8Array.of(1)]]));
  const images = new Map([1, 2, 3].map((n) => [`big${n}`, noise(Math.ceil(beyond() / 3))]));
  const saving = saveDataset(info('big'), [...images.keys()].map(row), images);
  await expect(saving).rejects.toMatchObject({ code: 'storage.quota' });
  expect((await listDatasets()).map((entry) => entry.id)).toEqual(['small']);
  expect(await loadImage('tiny')).toEqual(Uint8Array.of(1));
  await expect(loadImage('big1')).rejects.toMatchObject({ code: 'storage.missing' });
});

test('after a refusal a dataset that fits is stored', async () => {
  await saveDataset(info('next'), [row('fits')], new Map([['fits', noise(1024 * 1024)]]));
  expect((await listDatasets()).length).toBe(2);
});

test('an artifact beyond the quota is refused and the old one stays', async () => {
  await putArtifacts('small-disk', { adapter: Uint8Array.of(7) });
  await appendEvents('small-disk', [{ seq: 0 }]);
  const large = noise(beyond());
  await expect(putArtifacts('small-disk', { adapter: large })).rejects.toMatchObject({ code: 'storage.quota' });
  expect(await getArtifact('small-disk', 'adapter')).toEqual(Uint8Array.of(7));
  expect(await readEvents('small-disk')).toEqual([{ seq: 0 }]);
});
