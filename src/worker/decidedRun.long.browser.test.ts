// What a run has decided stays its own: short whole runs of the demo's model, under other figures and with a tower that leaves.

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Decisions } from '../budgets/decisions';
import type { RunEvent } from '../protocol/messages';
import { deleteDataset, saveDataset } from '../storage/datasets';
import { appendEvents, createRun, deleteRun, findRun, getArtifact } from '../storage/runs';
import { readContinuation } from './continueRun';
import { createRunControl, type RunControl } from './runControl';
import { DEMO_MODEL, DEMO_ROWS, demoImages, demoInfo, THREE_STEPS } from './testing/demoRuns';
import { encodedPictures, followRun, type Outcome } from './testing/followRun';

const INFO = demoInfo('decided-test');

/** GB in which a micro-batch of two rows is cut. */
const LITTLE = 0.12;

beforeAll(async () => saveDataset(INFO, DEMO_ROWS, await demoImages()));
afterAll(() => deleteDataset(INFO.id));
beforeEach(() => deleteRun('run'));
afterEach(() => deleteRun('run'));

const freely = (): RunControl => createRunControl(() => undefined);

/** A new run. @param stop asks it to stop, after its first step or at once */
async function train(gpuMemoryGb: number, stop?: 'step' | 'atOnce'): Promise<Outcome> {
  const control = freely();
  if (stop === 'atOnce') control.stop();
  const onEvent = ({ type }: RunEvent): void => void (type === stop && control.stop());
  const own = { seed: 0, datasetId: INFO.id, recipe: THREE_STEPS };
  await deleteRun('run');
  await createRun({ id: 'run', createdAt: 0, datasetName: 'rows', modelName: 'demo', state: 'running', ...own });
  return followRun({ ...own, runId: 'run', model: DEMO_MODEL, gpuMemoryGb }, { control, onEvent }, (batch) =>
    appendEvents('run', batch),
  );
}

/** Goes on with the stored run. @param change of what it has decided */
async function goOn(gpuMemoryGb: number, change: Partial<Decisions> = {}, control = freely()): Promise<Outcome> {
  const request = { type: 'continue', runId: 'run', model: DEMO_MODEL, gpuMemoryGb } as const;
  const { training, checkpoint, from, append, begin } = await readContinuation(request);
  Object.assign(checkpoint!.setup.decisions!, change);
  return followRun(training, { control, checkpoint, onOpened: begin }, append, from);
}

/** The adapter that a run has left, which is at its end. */
async function adapterOf({ summary }: Outcome): Promise<Uint8Array> {
  expect(summary).toMatchObject({ complete: true, stepsSft: 3 });
  return (await getArtifact('run', 'adapter_model.safetensors'))!;
}

test('a run that goes on with another figure of GPU memory keeps what it has decided, and ends with the same adapter', async () => {
  const want = await adapterOf(await train(LITTLE));
  expect(await adapterOf(await train(8))).not.toEqual(want);

  const stopped = await train(LITTLE, 'step');
  expect(stopped.summary).toMatchObject({ complete: false, stepsSft: 1 });
  expect(await adapterOf(await goOn(8))).toEqual(want);
});

test('a run whose vision tower leaves the GPU trains the same adapter, whether or not its features can be kept', async () => {
  const want = await adapterOf(await train(8));
  for (const { host, pictures } of [
    { host: 2 ** 30, pictures: 1 },
    // The tower comes back for every batch.
    { host: 0, pictures: 0 },
  ]) {
    await train(8, 'atOnce');
    const outcome = await goOn(8, { towerStays: false, features: { host, disk: 0 } });
    expect(encodedPictures(outcome)).toBe(pictures);
    expect(await adapterOf(outcome)).toEqual(want);
  }
});

test('a run that is stopped while its pictures go through the tower goes on later', async () => {
  await train(8, 'atOnce');
  const control = freely();
  control.stop();
  const stopped = await goOn(8, { towerStays: false }, control);
  expect(stopped.summary.complete).toBe(false);
  expect(encodedPictures(stopped)).toBe(0);
  expect(await findRun('run')).toMatchObject({ state: 'stopped' });
  const outcome = await goOn(8, { towerStays: false });
  expect(encodedPictures(outcome)).toBe(1);
  expect(outcome.summary).toMatchObject({ complete: true, stepsSft: 3 });
});
