// Dry runs of the demo's model that leave a stage out, or are stopped while they train.

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { deleteDataset, saveDataset } from '../storage/datasets';
import { secondsOf, type Rates } from '../planner/seconds';
import type { MeasuredPart } from '../protocol/messages';
import type { Recipe } from '../recipe/config';
import { StopRequested } from '../train/control';
import { dryRun } from './dryRun';
import { DRY_RECIPE, notingEnvironment } from './testing/demoDryRun';
import { DEMO_MODEL, DEMO_ROWS, demoImages, demoInfo } from './testing/demoRuns';

const INFO = demoInfo('dry-run-stages');
const REQUEST = { recipe: DRY_RECIPE, seed: 0, datasetId: INFO.id, model: DEMO_MODEL, gpuMemoryGb: 8 };

const parts: MeasuredPart[] = [];
const environment = notingEnvironment(parts);

beforeAll(async () => saveDataset(INFO, DEMO_ROWS, await demoImages()));
afterAll(() => deleteDataset(INFO.id));
beforeEach(() => void parts.splice(0));

test('a stage that the recipe leaves out is not measured', async () => {
  const only: Recipe = { ...DRY_RECIPE, grpo: { ...DRY_RECIPE.grpo, max_steps: 0 } };
  const { rates } = await dryRun({ ...REQUEST, recipe: only }, environment);
  expect(parts).toEqual(['load', 'encode', 'generate', 'evaluate', 'sft']);
  expect(Object.keys(rates.passes)).not.toContain('grpo');
  const work = { phase: 'sft', unit: 'step', count: 1, flops: { passes: 1e9, decode: 0 }, generation: null } as const;
  expect(secondsOf([work], rates satisfies Rates)?.total).toBeGreaterThan(rates.load ?? Infinity);
});

test('a dry run that is stopped while it trains ends there', async () => {
  const isStopped = (): boolean => parts.includes('sft');
  await expect(dryRun(REQUEST, { ...environment, isStopped })).rejects.toThrow(StopRequested);
  expect(parts.at(-1)).toBe('sft');
});
