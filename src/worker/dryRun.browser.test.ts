// A dry run of the demo's model on a real device: what it measures, and that it leaves nothing.

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { longTest } from '../base/testing/longTest';
import { deleteDataset, saveDataset } from '../storage/datasets';
import { listRuns } from '../storage/runs';
import type { MeasuredPart } from '../protocol/messages';
import type { Recipe } from '../recipe/config';
import { StopRequested } from '../train/control';
import { dryRun } from './dryRun';
import { DRY_RECIPE, notingEnvironment } from './testing/demoDryRun';
import { DEMO_MODEL, DEMO_ROWS, demoImages, demoInfo } from './testing/demoRuns';

const INFO = demoInfo('dry-run');
const parts: MeasuredPart[] = [];
const environment = notingEnvironment(parts);

function request(own: Partial<{ recipe: Recipe; datasetId: string }> = {}) {
  return { recipe: DRY_RECIPE, seed: 0, datasetId: INFO.id, model: DEMO_MODEL, gpuMemoryGb: 8, ...own };
}

beforeAll(async () => saveDataset(INFO, DEMO_ROWS, await demoImages()));
afterAll(() => deleteDataset(INFO.id));
beforeEach(() => void parts.splice(0));

/** All files below the origin's folder. */
async function filesOf(folder: FileSystemDirectoryHandle, path = ''): Promise<string[]> {
  const found: string[] = [];
  for await (const [name, entry] of folder.entries()) {
    if (entry.kind === 'file') found.push(`${path}/${name}`);
    else found.push(...(await filesOf(entry, `${path}/${name}`)));
  }
  return found.sort();
}

function expectPositive(values: (number | undefined)[]): void {
  for (const value of values) expect(value).toBeGreaterThan(0);
}

longTest('a dry run measures every kind of work of the run, in its order, and leaves no run and no file', async () => {
  const root = await navigator.storage.getDirectory();
  const [runs, files] = [(await listRuns()).length, await filesOf(root)];
  const { storage, rates } = await dryRun(request(), environment);
  expect(parts).toEqual(['load', 'encode', 'generate', 'evaluate', 'sft', 'grpo']);
  expect(storage).toBe('f32');
  const { passes, decode, load } = rates;
  expectPositive([load ?? undefined, passes.encode, passes.evaluate, passes.sft, passes.rollout, passes.grpo]);
  // One sequence, an evaluation's two, and a rollout's four.
  expect(decode.map(({ sequences }) => sequences)).toEqual([1, 2, 4]);
  expectPositive(decode.map(({ seconds }) => seconds));
  expect(rates.stepsTogether).toBe(2);
  expect([(await listRuns()).length, await filesOf(root)]).toEqual([runs, files]);
});

test.each<MeasuredPart>(['load', 'generate'])('a dry run that is stopped (%s) ends there', async (at) => {
  const isStopped = (): boolean => parts.includes(at);
  await expect(dryRun(request(), { ...environment, isStopped })).rejects.toThrow(StopRequested);
  expect(parts.at(-1)).toBe(at);
});

test('what a run would fail with, a dry run fails with', async () => {
  await expect(dryRun(request({ datasetId: 'none' }), environment)).rejects.toMatchObject({ code: 'storage.missing' });
  const many: Recipe = { ...DRY_RECIPE, grpo: { ...DRY_RECIPE.grpo, per_device_train_batch_size: 8 } };
  await expect(dryRun(request({ recipe: many }), environment)).rejects.toMatchObject({ code: 'train.tooFewPrompts' });
  // Before anything is loaded: nothing but that was begun.
  expect(parts).toEqual(['load']);
});
