import { beforeEach, expect, test } from 'vitest';
import type { HubModel } from '../../base/hubModel';
import { applyDownload, failHub, setTask, storedView, useHub } from './hub';
import { useSettings } from './settings';

const MODEL: HubModel = {
  ...{ id: 'a/b', revision: 'main', endpoint: 'https://huggingface.co', commit: 'c'.repeat(40) },
  ...{ licence: null, files: [], bytes: 0 },
};
const KEY = `a/b@${MODEL.commit}`;

beforeEach(() => {
  useSettings.setState({ modelKind: 'bundled', stored: null });
  useHub.setState({ task: { kind: 'none' }, traffic: [], earlier: [] });
});

test('a download that ends, and a check, leave what is trained as it was clicked', () => {
  setTask({ kind: 'fetching', id: 1, model: MODEL, into: null, progress: null });
  applyDownload({ type: 'downloaded', id: 1, key: KEY });
  const stored = { key: KEY, id: 'a/b' };
  expect(useSettings.getState()).toMatchObject({ modelKind: 'bundled', stored });
  const before = useSettings.getState().stored;
  setTask({ kind: 'checking', id: 2, key: KEY, share: 0 });
  applyDownload({ type: 'verified', id: 2, broken: ['config.json'] });
  expect(useSettings.getState()).toMatchObject({ modelKind: 'bundled', stored });
  // Another object: whoever looks at the files looks again.
  expect(useSettings.getState().stored).not.toBe(before);
});

test('a download into a folder leaves the choice to who opens it, and can be gone on with there', () => {
  const into = { name: 'picked' } as FileSystemDirectoryHandle;
  const key = 'folder:1';
  setTask({ kind: 'fetching', id: 1, model: MODEL, into, progress: null });
  applyDownload({ type: 'stopped', id: 1 });
  expect(useHub.getState().task).toEqual({ kind: 'paused', model: MODEL, into });
  setTask({ kind: 'fetching', id: 2, model: MODEL, into, progress: null });
  applyDownload({ type: 'failed', id: 2, error: { code: 'folder.full', message: 'full' } });
  expect(useHub.getState().task).toMatchObject({ kind: 'problem', model: MODEL, into });
  setTask({ kind: 'fetching', id: 3, model: MODEL, into, progress: null });
  applyDownload({ type: 'downloaded', id: 3, key });
  expect(useSettings.getState().stored).toBe(null);
});

test('a model in a folder with wrong bytes is no longer the one to train: they are still there', () => {
  const folder = { name: 'picked', files: {} };
  useSettings.setState({ stored: { key: 'folder:1', id: 'a/b', folder } });
  setTask({ kind: 'checking', id: 1, key: 'folder:1', share: 0 });
  applyDownload({ type: 'verified', id: 1, broken: [] });
  expect(useSettings.getState().stored).not.toBe(null);
  setTask({ kind: 'checking', id: 2, key: 'folder:1', share: 0 });
  applyDownload({ type: 'verified', id: 2, broken: ['config.json'] });
  expect(useSettings.getState().stored).toBe(null);
  expect(useHub.getState().checked?.text).toMatch(/config\.json.*Nothing was touched/);
});

test('what is there of a model in a folder is told from what is in this browser, and from other folders', () => {
  const view = { ...MODEL, createdAt: 0, arrived: 1, whole: false };
  const models = [
    { ...view, key: KEY, folder: null },
    { ...view, key: 'folder:1', folder: 'picked/b' },
    { ...view, key: 'folder:2', folder: 'pick' },
  ];
  const into = (name: string) => ({ name }) as FileSystemDirectoryHandle;
  expect(storedView({ models }, MODEL)?.key).toBe(KEY);
  expect(storedView({ models }, MODEL, into('picked'))?.key).toBe('folder:1');
  expect(storedView({ models }, MODEL, into('pick'))?.key).toBe('folder:2');
  expect(storedView({ models }, MODEL, into('other'))).toBe(null);
});

test('requests are counted since the page was opened, over workers that crashed', () => {
  const hub = { host: 'hub', requests: 3, receivedBytes: 100 };
  applyDownload({ type: 'traffic', hosts: [hub] });
  failHub({ code: 'worker.crashed', message: 'boom' });
  expect(useHub.getState().traffic).toEqual([hub]);
  const files = { host: 'files', requests: 1, receivedBytes: 7 };
  for (const requests of [1, 2]) applyDownload({ type: 'traffic', hosts: [{ ...hub, requests }, files] });
  expect(useHub.getState().traffic).toEqual([{ host: 'hub', requests: 5, receivedBytes: 200 }, files]);
});
