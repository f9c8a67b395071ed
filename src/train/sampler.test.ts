import { expect, it } from 'vitest';
import { grpoMicroBatches, grpoStepPrompts, sftEpochBatches, sftStepBatches } from './sampler';

const sft = { per_device_train_batch_size: 4, gradient_accumulation_steps: 2 };
const grpo = { per_device_train_batch_size: 8, gradient_accumulation_steps: 2, num_generations: 4 };

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
  expect(steps.map((step) => step.map((batch) => batch.length))).toEqual([[4, 4], [4, 4], [2], [4, 4], [4, 4], [2]]);
  expect(sorted(steps.slice(0, 3).flat())).toEqual(upTo(18));
  expect(sorted(steps.slice(3).flat())).toEqual(upTo(18));
});

it('takes one generation batch of distinct prompts a step and drops the rest of each pass', () => {
  const steps = upTo(4).map((step) => grpoStepPrompts(10, grpo, 3, step));
  expect(steps.map((prompts) => prompts.length)).toEqual([4, 4, 4, 4]);
  for (const pass of [steps.slice(0, 2), steps.slice(2)]) {
    expect(new Set(sorted(pass)).size).toBe(8);
  }
  expect(sorted(steps.slice(0, 2))).not.toEqual(sorted(steps.slice(2)));
});

it('splits the scored rows into micro-batches that hold every row once', () => {
  const batches = grpoMicroBatches(16, grpo, 3, 0);
  expect(batches.map((batch) => batch.length)).toEqual([8, 8]);
  expect(sorted(batches)).toEqual(upTo(16));
  expect(sorted([batches[0]])).not.toEqual(upTo(8));
  expect(grpoMicroBatches(16, grpo, 3, 1)).not.toEqual(batches);
});
