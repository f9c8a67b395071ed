// @vitest-environment node
// What the user named and cannot be used: it keeps a run from starting until something else is chosen.

import { beforeEach, expect, test } from 'vitest';
import type { DatasetInfo } from '../../protocol/messages';
import { failData } from '../actions';
import { takeAdapter, takeFreshAdapter } from '../setup/adapterFiles';
import { applyDataMessage, beginImport, dismissFailure, dropImport, useDataset } from './dataset';
import { useFault } from './fault';
import { useModel } from './model';
import type { ModelFacts } from './modelFacts';
import { applyPreview, beginPreview, usePromptPreview } from './promptPreview';
import { beginExport } from './runExports';
import { pickedAdapter, useSettings } from './settings';
import { startObstacle } from './startObstacle';

const config = JSON.stringify({ peft_type: 'LORA', r: 8, lora_alpha: 16, target_modules: ['q_proj'] });
const PAIR = [
  { path: 'mine/adapter_config.json', file: new Blob([config]) },
  { path: 'mine/adapter_model.safetensors', file: new Blob(['w']) },
];
const CRASH = { code: 'worker.crashed', message: 'The data worker stopped.' };
const HOPELESS = { code: 'data.empty', message: 'no usable row' };

beforeEach(() => {
  takeFreshAdapter();
  useModel.setState({ look: { kind: 'known', facts: {} as ModelFacts } });
  const info = { id: 'd', name: 'earlier', trainRows: 2, problems: [] as unknown } as DatasetInfo;
  useDataset.setState({ info, rows: [], importing: null, failure: null });
  usePromptPreview.setState({ prompt: null, error: null, waiting: false });
  useFault.setState({ error: null });
});

/** An import that ends without a usable row. */
async function importHopeless(): Promise<void> {
  const id = beginImport('hopeless.jsonl', false);
  await applyDataMessage({ type: 'failed', id, error: HOPELESS, problems: [] });
}

test('an adapter that cannot be read keeps a run from starting; neither the one before nor a fresh one takes its place', async () => {
  await takeAdapter(PAIR);
  expect(startObstacle()).toBeNull();
  await takeAdapter([]);
  expect(pickedAdapter(useSettings.getState())).toBeNull();
  expect(startObstacle()).toMatchObject({
    line: 'The adapter has a problem.',
    error: { code: 'adapter.missingFile', message: expect.stringContaining('holds only links') as string },
  });
  takeFreshAdapter();
  expect(startObstacle()).toBeNull();
});

test('nothing starts while an adapter is being read, and the adapter that was chosen last counts', async () => {
  const slow = takeAdapter(PAIR);
  expect(startObstacle()?.line).toBe('The adapter’s files are being read.');
  const last = takeAdapter([PAIR[0]!]);
  await Promise.all([slow, last]);
  expect(startObstacle()?.error.code).toBe('adapter.missingFile');
  const late = takeAdapter(PAIR);
  takeFreshAdapter();
  await late;
  expect(useSettings.getState().adapter).toEqual({ kind: 'fresh' });
});

test('data that cannot be used keeps a run from starting until the user says that the earlier data will do', async () => {
  await importHopeless();
  expect(startObstacle()).toEqual({ line: 'The data has a problem.', error: HOPELESS });
  dismissFailure();
  expect(startObstacle()).toBeNull();
});

test('cancelling a later import does not bring the earlier data back in the place of data that failed', async () => {
  await importHopeless();
  beginImport('another.jsonl', false);
  expect(startObstacle()?.line).toBe('The data is being checked.');
  dropImport();
  expect(startObstacle()?.error).toEqual(HOPELESS);
});

test('a data worker that crashes fails what waited for it, and nothing else', async () => {
  const preview = beginPreview();
  failData(CRASH);
  expect(usePromptPreview.getState()).toEqual({ prompt: null, error: CRASH, waiting: false });
  expect(useDataset.getState().failure).toBeNull();
  expect(applyPreview({ type: 'promptFailed', id: preview, error: HOPELESS })).toBe(true);

  const { file } = beginExport();
  failData(CRASH);
  await expect(file).rejects.toMatchObject(CRASH);
  expect(useDataset.getState().failure).toBeNull();
  expect(useFault.getState().error).toBeNull();

  beginImport('rows.jsonl', false);
  failData(CRASH);
  expect(useDataset.getState()).toMatchObject({ importing: null, failure: { error: CRASH } });
  expect(useFault.getState().error).toBeNull();
});

test('a data worker that crashes while nothing waits for it is told above the places, and the data stays in use', () => {
  failData(CRASH);
  expect(useFault.getState().error).toEqual(CRASH);
  expect(startObstacle()).toBeNull();
});
