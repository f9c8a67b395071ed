// @vitest-environment node
// The plan's figures beside the packs that training's own code makes of the same rows and slices.

import { expect, test } from 'vitest';
import { CONFIG_3B } from '../model/testing/config3b';
import { presets } from '../recipe/presets';
import type { Recipe } from '../recipe/config';
import { packParts } from '../train/rolloutPacks';
import { grpoStepPlan, rolloutSlices } from '../train/sampler';
import { grpoOptimizerSteps, rolloutShape } from '../train/schedule';
import { runFigures } from './runFigures';
import { syntheticRows } from './testing/syntheticRun';

const SEED = 5;
const LENGTH = 12;
const MERGE = CONFIG_3B.vision.spatialMergeSize;

function optionsOf(change: Partial<Recipe['grpo']>): Recipe['grpo'] {
  const own = { ...presets.demo.grpo, max_steps: -1, num_train_epochs: 1, max_completion_length: LENGTH, beta: 0.1 };
  return { ...own, steps_per_generation: null, generation_batch_size: null, num_iterations: 1, ...change };
}

/** Sixteen prompts, equally long, whose answers have as many tokens as a completion may have. */
function rowsOf() {
  const rows = { count: 16, promptText: 20, target: LENGTH, picture: [8, 8] as const };
  const all = syntheticRows({ config: CONFIG_3B, rows, validationRows: 0 });
  return { ...all, sft: all.sft.slice(0, 4) };
}

const ROWS = rowsOf();

function packsOf(options: Recipe['grpo'], wanted: readonly boolean[]) {
  const { prompts } = rolloutShape(options);
  const group = (): { ids: number[]; terminated: boolean }[] =>
    Array.from({ length: options.num_generations }, () => ({
      ids: new Array<number>(LENGTH).fill(7),
      terminated: true,
    }));
  const rollout = {
    rows: Array.from({ length: prompts }, (_, i) => i),
    completions: Array.from({ length: prompts }, group),
  };
  const pack = { imageTokenId: CONFIG_3B.imageTokenId, spatialMergeSize: MERGE };
  return packParts({ rows: ROWS.grpo, pack, options }, rollout as never, wanted, 1e9).map(({ batch }) => batch);
}

/** The packs of every step of the run. */
function trained(options: Recipe['grpo']) {
  const rows = ROWS.grpo.length;
  return Array.from({ length: grpoOptimizerSteps(rows, options) }, (_, step) => {
    const wanted = new Map<number, boolean[]>();
    for (const { rollout, slice } of grpoStepPlan(rows, options, step).microSteps) {
      const own = wanted.get(rollout) ?? new Array<boolean>(rolloutShape(options).completions).fill(false);
      wanted.set(rollout, own);
      rolloutSlices(options, SEED, rollout)[slice]!.forEach((i) => (own[i] = true));
    }
    return [...wanted.values()].flatMap((own) => packsOf(options, own));
  });
}

function figuresOf(options: Recipe['grpo']) {
  return runFigures(ROWS, { ...presets.demo, grpo: options }, SEED, MERGE).grpo!;
}

const sum = (values: number[]): number => values.reduce((a, b) => a + b, 0);

const FOUR = { num_generations: 4, per_device_train_batch_size: 4 };
const CASES: [string, Partial<Recipe['grpo']>][] = [
  ['whole rollouts', { ...FOUR, gradient_accumulation_steps: 2 }],
  ['a quarter of a rollout', { ...FOUR, gradient_accumulation_steps: 1, steps_per_generation: 4 }],
  ['one and a half rollouts', { ...FOUR, gradient_accumulation_steps: 3, steps_per_generation: 2 }],
  ['a rollout twice', { ...FOUR, gradient_accumulation_steps: 4, steps_per_generation: 2, num_iterations: 2 }],
  [
    'less than a group',
    { num_generations: 4, per_device_train_batch_size: 2, gradient_accumulation_steps: 1, steps_per_generation: 4 },
  ],
];

test.each(CASES)('steps that take %s have the packs and tokens that training makes', (_, change) => {
  const options = optionsOf(change);
  const steps = trained(options);
  const { mean, packs, steps: count } = figuresOf(options);
  expect(count).toBe(steps.length);
  expect(packs).toBeCloseTo(sum(steps.map((own) => own.length)) / count, 10);
  const batches = steps.flat();
  expect(packs * mean.tokens).toBeCloseTo(sum(batches.map(({ tokens }) => tokens)) / count, 8);
  expect(packs * mean.labels).toBeCloseTo(sum(batches.map(({ labels }) => labels.length)) / count, 8);
});

test.each(CASES)('no pack of steps that take %s is larger than the largest', (_, change) => {
  const options = optionsOf(change);
  const { largest, scored } = figuresOf(options);
  expect(largest.tokens).toBeGreaterThanOrEqual(
    Math.max(
      ...trained(options)
        .flat()
        .map(({ tokens }) => tokens),
    ),
  );
  const whole = packsOf(options, new Array<boolean>(rolloutShape(options).completions).fill(true));
  expect(scored.largest.tokens).toBe(Math.max(...whole.map(({ tokens }) => tokens)));
  expect(scored.all.tokens).toBeCloseTo(sum(whole.map(({ tokens }) => tokens)), 8);
});

test('a stage without rows is refused as the run refuses it, and one that the recipe leaves out is not', () => {
  const none = { ...ROWS, sft: [], grpo: [] };
  const stages = (sft: number, grpo: number): Recipe => ({
    ...presets.demo,
    sft: { ...presets.demo.sft, max_steps: sft },
    grpo: { ...presets.demo.grpo, max_steps: grpo },
  });
  const refusal = (code: string) => expect.objectContaining({ code });
  expect(() => runFigures(none, stages(5, 0), SEED, MERGE)).toThrow(refusal('train.noRows'));
  expect(() => runFigures(none, stages(0, 5), SEED, MERGE)).toThrow(refusal('train.tooFewPrompts'));
  expect(runFigures(none, stages(0, 0), SEED, MERGE)).toMatchObject({ sft: null, grpo: null });
});
