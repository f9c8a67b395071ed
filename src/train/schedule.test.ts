import { expect, it } from 'vitest';
import { openTestFolder } from '../reference/testFolder';
import { presets } from '../recipe/presets';
import {
  evaluationsDuring,
  grpoOptimizerSteps,
  grpoStepsPerPass,
  learningRateAt,
  optimizerSteps,
  rolloutShape,
  warmupSteps,
} from './schedule';

const linear = { learning_rate: 1, lr_scheduler_type: 'linear', warmup_steps: 2 } as const;
const length = { max_steps: -1, num_train_epochs: 3, per_device_train_batch_size: 4, gradient_accumulation_steps: 8 };

function rates(total: number, options: Parameters<typeof learningRateAt>[2]): number[] {
  return Array.from({ length: total }, (_, step) => learningRateAt(step, total, options));
}

// Expected factors: transformers' schedule formulas evaluated by hand.
it('starts a linear warm-up at 0 and decays to 1/(S-w) in the last step', () => {
  expect(rates(6, linear)).toEqual([0, 0.5, 1, 0.75, 0.5, 0.25]);
  expect(rates(4, { ...linear, warmup_steps: 0 })).toEqual([1, 0.75, 0.5, 0.25]);
});

it('keeps constant at the full rate and ignores its warm-up, as transformers does', () => {
  expect(rates(3, { ...linear, lr_scheduler_type: 'constant' })).toEqual([1, 1, 1]);
  expect(rates(4, { ...linear, lr_scheduler_type: 'constant_with_warmup' })).toEqual([0, 0.5, 1, 1]);
});

it('follows half a cosine after the warm-up', () => {
  const got = rates(6, { ...linear, lr_scheduler_type: 'cosine' });
  [0, 0.5, 1, 0.5 + Math.SQRT1_2 / 2, 0.5, 0.5 - Math.SQRT1_2 / 2].forEach((want, i) =>
    expect(got[i]).toBeCloseTo(want, 14),
  );
});

it('takes a warm-up below 1 as a share of all steps, rounded up', () => {
  expect(warmupSteps(250, 0.03)).toBe(8);
  expect(warmupSteps(250, 1)).toBe(1);
  expect(warmupSteps(250, 0)).toBe(0);
});

it('counts optimizer steps as the Trainer: short last batch, short last accumulation, then epochs', () => {
  expect(optimizerSteps(1000, length)).toBe(96);
  expect(optimizerSteps(33, length)).toBe(6);
  expect(optimizerSteps(1, length)).toBe(3);
  expect(optimizerSteps(1000, { ...length, num_train_epochs: 0.4 })).toBe(13);
  expect(optimizerSteps(1000, { ...length, max_steps: 7 })).toBe(7);
  expect(optimizerSteps(0, { ...length, max_steps: 0 })).toBe(0);
  expect(() => optimizerSteps(0, length)).toThrow(/no training rows/);
});

it('counts GRPO steps by whole generation batches: the published 250 steps over 1,000 prompts', () => {
  expect(rolloutShape(presets.mmherc.grpo).prompts).toBe(4);
  expect(grpoOptimizerSteps(1000, presets.mmherc.grpo)).toBe(250);
  expect(grpoOptimizerSteps(1003, presets.mmherc.grpo)).toBe(250);
  expect(() => grpoOptimizerSteps(3, presets.mmherc.grpo)).toThrow(/needs 4 prompts a rollout/);
});

it('shapes a rollout by steps_per_generation or generation_batch_size, and counts its steps over the iterations', () => {
  const base = { ...presets.mmherc.grpo, per_device_train_batch_size: 8, gradient_accumulation_steps: 2 };
  const shape = { completions: 32, prompts: 8, stepsPerGeneration: 4, microSteps: 8 };
  expect(rolloutShape({ ...base, steps_per_generation: 4, num_iterations: 2 })).toEqual(shape);
  expect(rolloutShape({ ...base, generation_batch_size: 32, num_iterations: 2 })).toEqual(shape);
  // 20 prompts: 2 rollouts of 8, each 8 micro-batches: 16 micro-batches, 8 optimizer steps (TRL's len(dataloader) / 2).
  expect(grpoStepsPerPass(20, { ...base, steps_per_generation: 4, num_iterations: 2 })).toBe(8);
  // 3 accumulated of 4 micro-batches a pass: the second step of each pass is short.
  expect(grpoStepsPerPass(8, { ...base, gradient_accumulation_steps: 3, steps_per_generation: 4 })).toBe(2);
});

it("gives the learning rates that the library's Trainer used in the reference trajectories", async () => {
  const folder = openTestFolder();
  let compared = 0;
  for (const entry of folder.cases.filter(({ kind }) => kind === 'lora')) {
    for (const file of entry.files.filter((name) => /^trajectory_.*\.json$/.test(name))) {
      const { hyper, steps } = (await folder.json(`${entry.path}/${file}`)) as {
        hyper: { learning_rate: number; scheduler: 'linear'; warmup_steps: number };
        steps: { learning_rate: number }[];
      };
      const options = { ...hyper, lr_scheduler_type: hyper.scheduler };
      steps.forEach((step, i) => {
        expect(learningRateAt(i, steps.length, options)).toBeCloseTo(step.learning_rate, 15);
        compared++;
      });
    }
  }
  expect(compared).toBeGreaterThan(0);
});

// [steps, eval_steps, load_best_model_at_end]: evaluations as stepLoop.browser.test.ts sees them made.
it.each([
  [6, 3, false, 1],
  [6, 3, true, 2],
  [7, 3, false, 2],
  [2, 3, true, 0],
  [6, 0, true, 0],
  [0, 3, true, 0],
])('%i steps with eval_steps %i (best model at the end: %s) have %i evaluations', (steps, eval_steps, best, count) => {
  expect(evaluationsDuring(steps, { eval_steps, load_best_model_at_end: best })).toBe(count);
});
