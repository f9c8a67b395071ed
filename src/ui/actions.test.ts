import { beforeEach, expect, test } from 'vitest';
import type { StoredModelView } from '../base/hubModel';
import type { RunRecord } from '../storage/runs';
import { needsModelFolder } from './actions';
import { useHub } from './store/hub';
import { useSettings } from './store/settings';

const KEY = `a/b@${'c'.repeat(40)}`;
const RECORD = { modelName: 'a/b', modelKey: KEY } as RunRecord;

beforeEach(() => {
  useSettings.setState({ modelKind: 'bundled', picked: null });
  useHub.setState({ models: null });
});

test('a run on a model of the hub takes a picked folder where that model is not stored whole', () => {
  expect(needsModelFolder(RECORD)).toBe(false);
  const model = { key: KEY, whole: true } as StoredModelView;
  for (const [models, needed] of [
    [[model], false],
    [[{ ...model, whole: false }], true],
    [[{ ...model, key: 'another' }], true],
    [[], true],
  ] as const) {
    useHub.setState({ models: [...models] });
    expect(needsModelFolder(RECORD)).toBe(needed);
  }
  useSettings.setState({ picked: { name: 'folder', files: {} } });
  expect(needsModelFolder(RECORD)).toBe(false);
});
