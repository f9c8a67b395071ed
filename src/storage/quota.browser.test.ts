// A real full disk: the browser's own quota, set through the DevTools protocol.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { cdp } from 'vitest/browser';
import type { DatasetInfo, DatasetRow } from '../base/dataset';
import { deleteDataset, listDatasets, loadImage, saveDataset } from './datasets';
import { appendEvents, deleteRun, getArtifact, putArtifacts, readEvents } from './runs';

interface Session {
  send(method: string, params: Record<string, unknown>): Promise<unknown>;
}

async function setQuota(bytes?: number): Promise<void> {
  const params = { origin: location.origin, ...(bytes === undefined ? {} : { quotaSize: bytes }) };
  await (cdp() as unknown as Session).send('Storage.overrideQuotaForOrigin', params);
}

/** Incompressible, so that the browser cannot make it fit. */
function noise(bytes: number): Uint8Array {
  const out = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += 65536) crypto.getRandomValues(out.subarray(at, Math.min(bytes, at + 65536)));
  return out;
}

function row(image: string): DatasetRow {
  const text = { imageName: image, question: 'Q?', thought: 'T.', answer: 'A' };
  return { image, ...text, split: 'train', file: 'train.jsonl', line: 1 };
}

const COUNTS = { trainRows: 1, valRows: 0, images: 1, bytes: 1, promptTokens: null, targetTokens: null };
const info = (id: string): DatasetInfo => ({ id, name: id, createdAt: 1, ...COUNTS, problems: [] });

/** Chromium trusts for 30 s what it last heard about free space; other tests may just have made it ask. */
async function waitForQuota(): Promise<void> {
  const large = noise(30 * 1024 * 1024);
  for (;;) {
    const refused = await putArtifacts('probe', { large }).then(
      () => false,
      () => true,
    );
    await deleteRun('probe');
    if (refused) return;
    await new Promise((resolve) => setTimeout(resolve, 3000));
  }
}

beforeAll(async () => {
  // All test files share one origin's storage.
  for (const { id } of await listDatasets()) await deleteDataset(id);
  await setQuota(24 * 1024 * 1024);
  await waitForQuota();
});

afterAll(async () => {
  await setQuota();
  for (const { id } of await listDatasets()) await deleteDataset(id);
});

test('a dataset beyond the quota is refused by name and leaves nothing behind', async () => {
  await saveDataset(info('small'), [row('tiny')], new Map([['tiny', Uint8Array.of(1)]]));
  const images = new Map([1, 2, 3].map((n) => [`big${n}`, noise(17 * 1024 * 1024)]));
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
  await putArtifacts('run', { adapter: Uint8Array.of(7) });
  await appendEvents('run', [{ seq: 0 }]);
  const large = noise(30 * 1024 * 1024);
  await expect(putArtifacts('run', { adapter: large })).rejects.toMatchObject({ code: 'storage.quota' });
  expect(await getArtifact('run', 'adapter')).toEqual(Uint8Array.of(7));
  expect(await readEvents('run')).toEqual([{ seq: 0 }]);
});
