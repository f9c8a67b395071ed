import { beforeEach, expect, test } from 'vitest';
import type { HubModel } from '../../base/hubModel';
import { applyDownload, failHub, setTask, useHub } from './hub';
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
  setTask({ kind: 'fetching', id: 1, model: MODEL, progress: null });
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

test('requests are counted since the page was opened, over workers that crashed', () => {
  const hub = { host: 'hub', requests: 3, receivedBytes: 100 };
  applyDownload({ type: 'traffic', hosts: [hub] });
  failHub({ code: 'worker.crashed', message: 'boom' });
  expect(useHub.getState().traffic).toEqual([hub]);
  const files = { host: 'files', requests: 1, receivedBytes: 7 };
  for (const requests of [1, 2]) applyDownload({ type: 'traffic', hosts: [{ ...hub, requests }, files] });
  expect(useHub.getState().traffic).toEqual([{ host: 'hub', requests: 5, receivedBytes: 200 }, files]);
});
