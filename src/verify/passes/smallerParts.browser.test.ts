// What memory makes smaller changes no token and no loss: generation in parts, micro-batches and rollouts in parts.

import { beforeAll, describe, expect, test } from 'vitest';
import { longTest } from '../../base/testing/longTest';
import { MOST, type Decisions } from '../../budgets/decisions';
import { VARIANTS } from '../../gpu/testGpu';
import { generate, type Completion } from '../../infer/generate';
import { expectTensor } from '../../ops/testing/expectTensor';
import { policyStep } from '../../train/grpoPolicyStep';
import type { Trainee } from '../../train/lossPass';
import { REFERENCE_DECISIONS, type ReferenceModel } from '../loadModel';
import {
  endlessSampling,
  openReferenceRows,
  QUIET,
  TWO_GROUPS,
  twoGroups,
  twoGrpoRows,
  twoSftSteps,
  type ReferenceRows,
} from './referenceRows';

let reference: ReferenceModel;
let trainee: Trainee;
let rows: ReferenceRows;
let start: Float32Array;

const deciding = (change: Partial<Decisions>): Trainee => ({
  ...trainee,
  decisions: { ...REFERENCE_DECISIONS, ...change },
});

/** Two SFT steps of micro-batches of three; what they report, and the adapter that they leave. */
function trainSft(tokensTogether: number) {
  const { example } = rows;
  const examples = [example(0, 4, 5), example(1, 6, 3), example(0, 3, 7), example(1, 5, 2), example(0, 8, 4)];
  const own = deciding({ sft: { tokensTogether, keptLayers: 1 } });
  const sizes = { per_device_train_batch_size: 3, gradient_accumulation_steps: 2 };
  return twoSftSteps(own, rows, start, examples, sizes);
}

describe.each(VARIANTS)('with kernels for %s', (variant) => {
  const variantTest = variant === 'gpu' ? longTest : test;

  beforeAll(async () => {
    ({ reference, trainee, rows, start } = await openReferenceRows(variant));
  });

  variantTest('completions are the same tokens however many of them decode together', async () => {
    const { prompt, pack } = rows;
    const prompts = [prompt(0, 4), prompt(1, 7), prompt(0, 9)].map((own, tag) => ({ ...own, tag }));
    const draw = (change: Partial<Decisions>): Promise<Completion[][]> =>
      generate(
        {
          gpu: trainee.gpu,
          model: trainee.model.language,
          spatialMergeSize: pack.spatialMergeSize,
          featuresOf: trainee.featuresOf,
          decisions: { ...REFERENCE_DECISIONS, ...change },
        },
        prompts,
        {
          modes: [
            { count: 1, temperature: 0 },
            { count: 3, temperature: 1.5 },
          ],
          maxNewTokens: 6,
          ...endlessSampling(reference),
          adapter: trainee.adapter,
        },
      );
    const whole = await draw({});
    const texts = whole.flat().map(({ ids }) => ids.join());
    expect(new Set(texts).size).toBeGreaterThan(9); // sampled completions differ: an order that is mixed up would show
    const longest = Math.max(...prompts.map(({ ids }) => ids.length));
    expect(await draw({ cacheRows: longest + 2 * 6 })).toEqual(whole);
    expect(await draw({ sequencesTogether: 1, prefillTokens: 1 })).toEqual(whole);
  });

  variantTest('a micro-batch computed in parts counts as the same micro-batch', async () => {
    const whole = await trainSft(MOST.tokensTogether);
    const parts = await trainSft(1);
    expect(whole.metrics).toHaveLength(2);
    whole.metrics.forEach((want, step) => {
      for (const name of ['loss', 'grad_norm', 'mean_token_accuracy', 'entropy', 'num_tokens'] as const) {
        expect(Math.abs(parts.metrics[step]![name]! - want[name]!), name).toBeLessThanOrEqual(
          1e-5 * Math.abs(want[name]!),
        );
      }
    });
    expect(whole.weights).not.toEqual(start);
    // AdamW's first steps are near the sign of the gradient: where that is nearly zero, rounding may turn it.
    const off = whole.weights.filter((value, i) => Math.abs(value - parts.weights[i]!) > 1e-5).length;
    expect(off).toBeLessThan(whole.weights.length / 1000);
  });

  variantTest('a group whose completions go through the model in parts has the same loss and gradient', async () => {
    const prompts = twoGrpoRows(rows);
    const step = async (tokensTogether: number) => {
      const own = deciding({ grpo: { tokensTogether, keptLayers: 0 } });
      const { loss, metrics } = await policyStep(
        { trainee: own, rows: prompts, pack: rows.pack, options: TWO_GROUPS, reporter: QUIET },
        new Map([[0, twoGroups([7, 2, 5])]]),
        [{ rollout: 0, slice: 0 }],
        { step: 1, steps: 1 },
      );
      const [bytes] = await trainee.gpu.rec.read(trainee.adapter.gradient);
      return { loss, metrics, gradient: new Float32Array(bytes) };
    };
    const whole = await step(MOST.tokensTogether);
    const parts = await step(prompts[0]!.prompt.ids.length + 8);
    expect(whole.gradient.some((value) => value !== 0)).toBe(true);
    expect(Math.abs(parts.loss - whole.loss)).toBeLessThan(1e-6);
    expectTensor('gradient', parts.gradient, whole.gradient, [whole.gradient.length], { relative: 1e-5 });
  });
});
