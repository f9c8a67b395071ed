import { beforeEach, expect, test } from 'vitest';
import type { DatasetInfo } from '../../protocol/messages';
import { applyDataMessage, beginImport, useDataset } from './dataset';

// A failure stays until the user has read it.
beforeEach(() => useDataset.setState({ importing: null, failure: null }));

const imported = (id: number) => ({ type: 'imported' as const, id, info: { id: 'nowhere' } as DatasetInfo });

test('an import whose rows cannot be read back has failed: the page and the terminal hear of it', async () => {
  const id = beginImport('shapes', false);
  expect(await applyDataMessage(imported(id))).toMatchObject({
    type: 'failed',
    id,
    error: { code: 'storage.missing' },
  });
  expect(useDataset.getState()).toMatchObject({ importing: null, failure: { error: { code: 'storage.missing' } } });
});

test('an import that another one has replaced while its rows were read back ends nothing', async () => {
  const answer = applyDataMessage(imported(beginImport('shapes', false)));
  const next = beginImport('others', false);
  expect(await answer).toBe(null);
  expect(useDataset.getState()).toMatchObject({ importing: { id: next }, failure: null });
});
