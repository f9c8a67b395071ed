// Short whole runs of the demo's model on a real device, with faults between the run and the browser's storage.

import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { longTest } from '../base/testing/longTest';
import type { RunEvent } from '../protocol/messages';
import { listCheckpoints } from '../storage/checkpointStore';
import { deleteDataset, saveDataset } from '../storage/datasets';
import { appendEvents, createRun, deleteRun, findRun, getArtifact, putArtifacts, readEvents } from '../storage/runs';
import type { Recipe } from '../recipe/config';
import { createRunControl } from './runControl';
import { readContinuation } from './continueRun';
import { DEMO_MODEL, DEMO_ROWS, demoImages, demoInfo, THREE_STEPS } from './testing/demoRuns';
import { followRun, type Outcome } from './testing/followRun';

const INFO = demoInfo('run-test');

beforeAll(async () => {
  const images = await demoImages();
  await saveDataset(INFO, DEMO_ROWS, images);
  const training = DEMO_ROWS.filter(({ split }) => split === 'train');
  await saveDataset({ ...INFO, id: 'run-test-train', valRows: 0 }, training, images);
});
afterAll(async () => {
  for (const id of [INFO.id, 'run-test-train']) await deleteDataset(id);
});
beforeEach(() => deleteRun('run'));
afterEach(() => {
  vi.restoreAllMocks();
  return deleteRun('run');
});

async function train(
  given: Partial<{ datasetId: string; recipe: Recipe }> = {},
  control = createRunControl(() => undefined),
): Promise<Outcome> {
  const request = { runId: 'run', seed: 0, datasetId: INFO.id, recipe: THREE_STEPS, ...given };
  const { datasetId, seed } = request;
  const record = { datasetId, datasetName: 'rows', modelName: 'demo', recipe: THREE_STEPS, seed, state: 'running' };
  await createRun({ id: 'run', createdAt: 0, ...record });
  const append = (batch: RunEvent[]): Promise<void> => appendEvents('run', batch);
  return followRun({ ...request, model: DEMO_MODEL, gpuMemoryGb: 8 }, { control }, append);
}

const CONTINUE = { type: 'continue', runId: 'run', model: DEMO_MODEL, gpuMemoryGb: 8 } as const;

/** Goes on with the stored run. */
async function goOn(): Promise<Outcome> {
  const { training, checkpoint, from, append, begin } = await readContinuation(CONTINUE);
  return followRun(training, { control: createRunControl(() => undefined), checkpoint, onOpened: begin }, append, from);
}

/** Makes writes to a store fail as on a full disk, where `refuses` says so. @returns how many were refused */
function fullDisk(method: 'add' | 'put', refuses: (store: string, key: IDBValidKey | undefined) => boolean) {
  const original = IDBObjectStore.prototype[method];
  const refused = { count: 0 };
  vi.spyOn(IDBObjectStore.prototype, method).mockImplementation(function (this: IDBObjectStore, value, key) {
    if (!refuses(this.name, key)) return original.call(this, value, key);
    refused.count++;
    throw new DOMException('full', 'QuotaExceededError');
  });
  return refused;
}

test('a full disk ends no run: checkpoints are tried again, and a check case is done without, each said once', async () => {
  let saves = 0;
  // The first two are those that the run and its stage begin with.
  const checkpoints = fullDisk('add', (store) => store === 'checkpoints' && [3, 4].includes(++saves));
  const isCase = (key: unknown) => Array.isArray(key) && String(key[1]).startsWith('case.');
  const cases = fullDisk('put', (store, key) => store === 'artifacts' && isCase(key));
  const { summary, notices } = await train();
  expect([checkpoints.count, cases.count]).toEqual([2, 1]);
  expect(notices).toEqual(['checkpoint.notWritten', 'checkpoint.written', 'artifact.notStored']);
  expect((await listCheckpoints('run'))[0]).toMatchObject({ stage: 'after_sft' });
  expect(await findRun('run')).toMatchObject({ state: 'finished', summary: { complete: true, stepsSft: 3 } });
  expect((await getArtifact('run', 'adapter_model.safetensors'))?.byteLength).toBe(summary.adapter.bytes);
  expect(await getArtifact('run', 'case.json')).toBeNull();
  expect(await getArtifact('run', 'case.safetensors')).toBeNull();
});

test('a stage does not begin without a checkpoint', async () => {
  let saves = 0;
  fullDisk('add', (store) => store === 'checkpoints' && ++saves >= 2);
  await expect(train()).rejects.toMatchObject({ code: 'storage.quota' });
  expect((await listCheckpoints('run')).map(({ stage }) => stage)).toEqual(['before']);
});

/** Keeps the adapter's files out of the storage. */
function noRoomForAdapter() {
  const isAdapter = (key: unknown) => Array.isArray(key) && String(key[1]).startsWith('adapter_');
  return fullDisk('put', (store, key) => store === 'artifacts' && isAdapter(key));
}

longTest(
  'trained to the end without room for its adapter, a run is resumed to store it, and nothing is measured twice',
  async () => {
    noRoomForAdapter();
    await expect(train()).rejects.toMatchObject({
      code: 'storage.quota',
      message: expect.stringContaining('All training is done') as string,
      hint: expect.stringContaining('resume the run') as string,
    });
    vi.restoreAllMocks();
    const { summary } = await goOn();
    expect(summary).toMatchObject({ complete: true, stepsSft: 3 });
    expect(await findRun('run')).toMatchObject({ state: 'finished' });
    expect((await getArtifact('run', 'adapter_model.safetensors'))?.byteLength).toBe(summary.adapter.bytes);
    const log = (await readEvents('run')) as RunEvent[];
    const measured = log.flatMap((event) => (event.type === 'evaluation' ? [event] : []));
    expect(measured.map(({ when }) => when)).toEqual(['before', 'after_sft']);
    expect(summary.afterSft).toEqual(measured[1]!.result);
  },
);

test('stopped while it loads, a run shows no other state, and is stopped even without room for its adapter', async () => {
  noRoomForAdapter();
  const control = createRunControl(() => undefined);
  control.stop();
  const { events, notices } = await train({}, control);
  const states = events.flatMap((event) => (event.type === 'state' ? [event.state] : []));
  expect(states).toEqual(['stopping', 'stopping']);
  expect(notices).toEqual(['artifact.notStored']);
  expect(await findRun('run')).toMatchObject({ state: 'stopped' });
});

test('without validation rows the run finishes, says that nothing is evaluated, and keeps no older check case', async () => {
  await putArtifacts('run', { 'case.json': Uint8Array.of(1), 'case.safetensors': Uint8Array.of(2) });
  const { summary, notices } = await train({ datasetId: 'run-test-train' });
  expect(notices).toEqual(['data.noValidation']);
  expect(summary).toMatchObject({ complete: true, before: undefined, afterSft: undefined });
  expect(await findRun('run')).toMatchObject({ state: 'finished' });
  expect(await getArtifact('run', 'case.json')).toBeNull();
  expect(await getArtifact('run', 'case.safetensors')).toBeNull();
});

longTest(
  'where no validation row fits with its target, the loss is missing and patience counts it as no gain',
  async () => {
    const options = { max_steps: 9, eval_steps: 1, early_stopping_patience: 2, load_best_model_at_end: true };
    const sft = { ...THREE_STEPS.sft, ...options, save_steps: 0 };
    const [first, second, last] = DEMO_ROWS;
    const short = { ...last!, thought: 'A star that is red. '.repeat(12) };
    const longest = 110;
    await saveDataset({ ...INFO, id: 'long' }, [first!, second!, short], new Map());
    const { summary, notices, events } = await train({
      datasetId: 'long',
      recipe: { ...THREE_STEPS, sft: { ...sft, max_length: longest } },
    });
    await deleteDataset('long');
    expect(notices).toEqual(['row.leftOut', 'data.noEvalLoss']);
    expect(summary).toMatchObject({
      complete: true,
      stepsSft: 3,
      before: { evalLoss: null },
      afterSft: { evalLoss: null },
    });
    const during = events.flatMap((event) => (event.type === 'evaluation' && event.when === 'during' ? [event] : []));
    expect(during.map(({ step }) => step)).toEqual([1, 2, 3]);
  },
);

test('a run that never came to a checkpoint decides by the GPU memory that there is when it goes on', async () => {
  const own = {
    datasetId: INFO.id,
    datasetName: 'rows',
    modelName: 'demo',
    recipe: THREE_STEPS,
    seed: 0,
    state: 'failed',
  };
  await createRun({ id: 'run', createdAt: 0, ...own });
  const { checkpoint, training } = await readContinuation({ ...CONTINUE, gpuMemoryGb: 24 });
  expect(checkpoint).toBeUndefined();
  expect(training.gpuMemoryGb).toBe(24);
});
