// A dry run of the demo's model on a real device: what it measures, and that it leaves nothing.

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { deleteDataset, saveDataset } from '../storage/datasets';
import { listRuns } from '../storage/runs';
import { secondsOf, type Rates } from '../planner/seconds';
import type { MeasuredPart } from '../protocol/messages';
import type { Recipe } from '../recipe/config';
import { presets } from '../recipe/presets';
import { StopRequested } from '../train/control';
import { dryRun, type DryRunEnvironment } from './dryRun';
import { DEAF_ENCODER, DEMO_MODEL, DEMO_ROWS, demoImages, demoInfo } from './testing/demoRuns';

const INFO = demoInfo('dry-run');
const { sft, grpo } = presets.demo;
const recipe: Recipe = {
  ...presets.demo,
  sft: { ...sft, per_device_train_batch_size: 2 },
  grpo: { ...grpo, num_generations: 2, per_device_train_batch_size: 4, max_completion_length: 8 },
  eval: { rows: 1, samples_per_row: 1, temperature: 1 },
};

let parts: MeasuredPart[] = [];

const environment: DryRunEnvironment = {
  encoder: DEAF_ENCODER,
  isStopped: () => false,
  show: (part) => void (parts.at(-1) !== part && parts.push(part)),
  notice: () => undefined,
};

function request(own: Partial<{ recipe: Recipe; datasetId: string }> = {}) {
  return { recipe, seed: 0, datasetId: INFO.id, model: DEMO_MODEL, gpuMemoryGb: 8, ...own };
}

beforeAll(async () => saveDataset(INFO, DEMO_ROWS, await demoImages()));
afterAll(() => deleteDataset(INFO.id));
beforeEach(() => void (parts = []));

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

test('a dry run measures every kind of work of the run, in its order, and leaves no run and no file', async () => {
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

test('a stage that the recipe leaves out is not measured', async () => {
  const only: Recipe = { ...recipe, grpo: { ...recipe.grpo, max_steps: 0 } };
  const { rates } = await dryRun(request({ recipe: only }), environment);
  expect(parts).toEqual(['load', 'encode', 'generate', 'evaluate', 'sft']);
  expect(Object.keys(rates.passes)).not.toContain('grpo');
  const work = { phase: 'sft', unit: 'step', count: 1, flops: { passes: 1e9, decode: 0 }, generation: null } as const;
  expect(secondsOf([work], rates satisfies Rates)?.total).toBeGreaterThan(rates.load ?? Infinity);
});

test.each<MeasuredPart>(['load', 'generate', 'sft'])('a dry run that is stopped (%s) ends there', async (at) => {
  const isStopped = (): boolean => parts.includes(at);
  await expect(dryRun(request(), { ...environment, isStopped })).rejects.toThrow(StopRequested);
  expect(parts.at(-1)).toBe(at);
});

test('what a run would fail with, a dry run fails with', async () => {
  await expect(dryRun(request({ datasetId: 'none' }), environment)).rejects.toMatchObject({ code: 'storage.missing' });
  const many: Recipe = { ...recipe, grpo: { ...recipe.grpo, per_device_train_batch_size: 8 } };
  await expect(dryRun(request({ recipe: many }), environment)).rejects.toMatchObject({ code: 'train.tooFewPrompts' });
  // Before anything is loaded: nothing but that was begun.
  expect(parts).toEqual(['load']);
});
