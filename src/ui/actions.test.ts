import { beforeEach, expect, test } from 'vitest';
import type { StoredModelView } from '../base/hubModel';
import type { RunRecord } from '../storage/runs';
import { folderModelOf, needsModelFolder, noModelText } from './actions';
import { useHub } from './store/hub';
import { useSettings } from './store/settings';

const KEY = `a/b@${'c'.repeat(40)}`;
const RECORD = { modelName: 'a/b', modelKey: KEY } as RunRecord;

beforeEach(() => {
  useSettings.setState({ modelKind: 'bundled', picked: null, stored: null });
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

test.each([
  ['fetched into a folder', { modelName: 'a/b' }],
  ['fetched into this browser, and deleted since', RECORD],
])(
  'a run on a model of the hub, %s, goes on with an open folder of that model, and names one that is known',
  (_, run) => {
    const record = run as RunRecord;
    const view = { id: 'a/b', key: 'folder:1', folder: 'picked/b', whole: true } as StoredModelView;
    useHub.setState({ models: [view] });
    expect(needsModelFolder(record)).toBe(true);
    expect(folderModelOf(record)).toBe(view);
    expect(noModelText(record).message).toContain('picked/b');
    const folder = { name: 'picked/b', files: {} };
    useSettings.setState({ stored: { key: 'folder:2', id: 'x/y', folder } });
    expect(needsModelFolder(record)).toBe(true);
    useSettings.setState({ stored: { key: 'folder:1', id: 'a/b', folder } });
    expect(needsModelFolder(record)).toBe(false);
    useHub.setState({ models: [{ ...view, whole: false }] });
    expect(folderModelOf(record)).toBe(null);
  },
);
