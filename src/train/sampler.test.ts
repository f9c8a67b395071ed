import { expect, it } from 'vitest';
import { presets } from '../recipe/presets';
import { grpoStepPlan, rolloutPrompts, rolloutSlices, sftEpochBatches, sftStepBatches } from './sampler';

const sft = { per_device_train_batch_size: 4, gradient_accumulation_steps: 2 };
const grpo = {
  ...presets.demo.grpo,
  per_device_train_batch_size: 8,
  gradient_accumulation_steps: 2,
  num_generations: 4,
};

function sorted(parts: ArrayLike<number>[]): number[] {
  return parts.flatMap((part) => Array.from(part)).sort((a, b) => a - b);
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

it('visits every SFT row once per epoch and keeps the short last batch', () => {
  const batches = sftEpochBatches(10, 4, 1, 0);
  expect(batches.map((batch) => batch.length)).toEqual([4, 4, 2]);
  expect(sorted(batches)).toEqual(upTo(10));
});

it('shuffles anew in each epoch and by each seed, and repeats itself exactly', () => {
  const order = (seed: number, epoch: number): number[] => sftEpochBatches(50, 50, seed, epoch).flatMap((b) => [...b]);
  expect(order(1, 0)).toEqual(order(1, 0));
  expect(order(1, 1)).not.toEqual(order(1, 0));
  expect(order(2, 0)).not.toEqual(order(1, 0));
});

it('never carries accumulation across the end of an epoch', () => {
  // 18 rows: 5 micro-batches, so 3 steps an epoch, the third with a single micro-batch of 2 rows.
  const steps = upTo(6).map((step) => sftStepBatches(18, sft, 7, step));
  const sizes = steps.map(({ batches }) => batches.map((batch) => batch.length));
  expect(sizes).toEqual([[4, 4], [4, 4], [2], [4, 4], [4, 4], [2]]);
  expect(sorted(steps.slice(0, 3).flatMap(({ batches }) => batches))).toEqual(upTo(18));
  expect(sorted(steps.slice(3).flatMap(({ batches }) => batches))).toEqual(upTo(18));
  expect(steps.map(({ epoch }) => epoch)).toEqual([0.4, 0.8, 1, 1.4, 1.8, 2]);
});

it('takes distinct prompts for each rollout and drops the rest of each pass', () => {
  const rollouts = upTo(4).map((rollout) => rolloutPrompts(10, grpo, 3, rollout));
  expect(rollouts.map((prompts) => prompts.length)).toEqual([4, 4, 4, 4]);
  for (const pass of [rollouts.slice(0, 2), rollouts.slice(2)]) {
    expect(new Set(sorted(pass)).size).toBe(8);
  }
  expect(sorted(rollouts.slice(0, 2))).not.toEqual(sorted(rollouts.slice(2)));
});

it('goes through the prompts in file order without shuffle_dataset', () => {
  const inOrder = { ...grpo, shuffle_dataset: false };
  const rollouts = upTo(3).map((rollout) => Array.from(rolloutPrompts(10, inOrder, 3, rollout)));
  expect(rollouts).toEqual([
    [0, 1, 2, 3],
    [4, 5, 6, 7],
    [0, 1, 2, 3],
  ]);
});

it('splits the scored completions into slices that hold each once, another way for each rollout', () => {
  const slices = rolloutSlices(grpo, 3, 0);
  expect(slices.map((slice) => slice.length)).toEqual([8, 8]);
  expect(sorted(slices)).toEqual(upTo(16));
  expect(sorted([slices[0]!])).not.toEqual(upTo(8));
  expect(rolloutSlices(grpo, 3, 1)).not.toEqual(slices);
});

const rolloutsOf = (options: typeof grpo, rows: number, steps: number): [number, number][][] =>
  upTo(steps).map((step) => grpoStepPlan(rows, options, step).microSteps.map(({ rollout, slice }) => [rollout, slice]));

// Plans worked out by hand from TRL 1.16: micro-batch i of a pass takes slice i % steps_per_generation of rollout
// floor(i / (steps_per_generation x num_iterations)).
it('gives every step one rollout of its own by default', () => {
  expect(rolloutsOf(grpo, 10, 3)).toEqual([
    [
      [0, 0],
      [0, 1],
    ],
    [
      [1, 0],
      [1, 1],
    ],
    [
      [2, 0],
      [2, 1],
    ],
  ]);
});

it('uses a rollout for as many steps as num_iterations and steps_per_generation ask for', () => {
  expect(rolloutsOf({ ...grpo, num_iterations: 2 }, 10, 4)).toEqual([
    [
      [0, 0],
      [0, 1],
    ],
    [
      [0, 0],
      [0, 1],
    ],
    [
      [1, 0],
      [1, 1],
    ],
    [
      [1, 0],
      [1, 1],
    ],
  ]);
  expect(rolloutsOf({ ...grpo, steps_per_generation: 4 }, 10, 4)).toEqual([
    [
      [0, 0],
      [0, 1],
    ],
    [
      [0, 2],
      [0, 3],
    ],
    [
      [1, 0],
      [1, 1],
    ],
    [
      [1, 2],
      [1, 3],
    ],
  ]);
});

it('lets one step take several rollouts, and ends a pass with a short step', () => {
  const options = { ...grpo, steps_per_generation: 1, gradient_accumulation_steps: 3 };
  // 8 completions a rollout: 2 prompts; 10 rows: 5 rollouts a pass, one micro-batch each.
  expect(rolloutsOf(options, 10, 3)).toEqual([
    [
      [0, 0],
      [1, 0],
      [2, 0],
    ],
    [
      [3, 0],
      [4, 0],
    ],
    [
      [5, 0],
      [6, 0],
      [7, 0],
    ],
  ]);
  expect(grpoStepPlan(10, options, 1).epoch).toBe(1);
});
