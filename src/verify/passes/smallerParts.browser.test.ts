// What memory makes smaller changes no token and no loss: generation in parts, micro-batches and rollouts in parts.

import { beforeAll, expect, test } from 'vitest';
import { MOST, type Decisions } from '../../budgets/decisions';
import type { Example, Prompt } from '../../data/encode';
import { mropePositions } from '../../data/mrope';
import { generate, type Completion } from '../../infer/generate';
import { resetOptimizer } from '../../model/lora';
import { expectTensor } from '../../ops/testing/expectTensor';
import { defaultRecipe } from '../../recipe/defaultRecipe';
import { policyStep } from '../../train/grpoPolicyStep';
import type { Trainee } from '../../train/lossPass';
import type { Reporter } from '../../train/control';
import type { Rollout } from '../../train/rolloutTypes';
import { sftLoop } from '../../train/sftLoop';
import { newStage } from '../../train/stageState';
import { imageRefOf, REFERENCE_DECISIONS, type ReferenceModel } from '../loadModel';
import { openReferenceCase } from './referenceCase';

let reference: ReferenceModel;
let trainee: Trainee;
let start: Float32Array;

beforeAll(async () => {
  ({ reference, trainee } = await openReferenceCase());
  start = await readWeights();
});

async function readWeights(): Promise<Float32Array> {
  const [bytes] = await trainee.gpu.rec.read(trainee.adapter.weight);
  return new Float32Array(bytes);
}

const tokens = () => ({
  imageTokenId: reference.config.imageTokenId,
  spatialMergeSize: reference.config.vision.spatialMergeSize,
});

function prompt(image: number, length: number): Prompt {
  const grid = reference.grids[image]!;
  const cells = (grid[0] * grid[1] * grid[2]) / tokens().spatialMergeSize ** 2;
  const text = Array.from({ length }, (_, i) => 5 + ((i * 31 + image * 17 + length) % 97));
  const ids = [...new Array<number>(cells).fill(tokens().imageTokenId), ...text];
  const { positions, next } = mropePositions(ids, [grid], tokens());
  return { ids: Int32Array.from(ids), positions, nextPosition: next, images: [imageRefOf(reference, image)] };
}

function example(image: number, length: number, target: number): Example {
  const whole = prompt(image, length + target);
  const promptLength = whole.ids.length - target;
  return { ...whole, promptLength, labelMask: Uint8Array.from(whole.ids, (_, t) => Number(t >= promptLength)) };
}

const deciding = (change: Partial<Decisions>): Trainee => ({
  ...trainee,
  decisions: { ...REFERENCE_DECISIONS, ...change },
});

test('completions are the same tokens however many of them decode together', async () => {
  const prompts = [prompt(0, 4), prompt(1, 7), prompt(0, 9)].map((own, tag) => ({ ...own, tag }));
  const draw = (change: Partial<Decisions>): Promise<Completion[][]> =>
    generate(
      {
        gpu: trainee.gpu,
        model: trainee.model.language,
        spatialMergeSize: tokens().spatialMergeSize,
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
        suppressedIds: [reference.config.imageTokenId],
        endIds: [],
        key: [3, 4],
        topK: 0,
        topP: 1,
        minP: 0,
        repetitionPenalty: 1,
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

/** Two SFT steps of three micro-batches; what they report, and the adapter that they leave. */
async function trainSft(tokensTogether: number) {
  const examples = [example(0, 4, 5), example(1, 6, 3), example(0, 3, 7), example(1, 5, 2), example(0, 8, 4)];
  const own = deciding({ sft: { tokensTogether, keptLayers: 1 } });
  trainee.gpu.rec.upload(trainee.adapter.weight, new Float32Array(start));
  resetOptimizer(trainee.gpu, trainee.adapter);
  const metrics: Record<string, number>[] = [];
  const reporter: Reporter = {
    emit: (event) => void (event.type === 'step' && metrics.push(event.metrics)),
    progress: () => undefined,
    enter: () => undefined,
    timed: (_, part) => part(),
  };
  const sizes = { max_steps: 2, per_device_train_batch_size: 3, gradient_accumulation_steps: 2, learning_rate: 1e-3 };
  await sftLoop(
    {
      trainee: own,
      examples,
      pack: tokens(),
      options: { ...defaultRecipe.sft, ...sizes, eval_steps: 0, save_steps: 0 },
      loraDropout: 0.2,
      seed: 5,
      control: { boundary: async () => undefined },
      reporter,
      evaluate: async () => null,
      saves: { save: async () => undefined, owes: () => false },
    },
    newStage(),
    () => undefined,
  );
  return { metrics, weights: await readWeights() };
}

test('a micro-batch computed in parts counts as the same micro-batch', async () => {
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

test('a group whose completions go through the model in parts has the same loss and gradient', async () => {
  const rows = [prompt(0, 5), prompt(1, 4)].map((own) => ({
    ...{ prompt: own, image: '', imageName: '', question: '', thought: '', answer: '' },
  }));
  const completions = [0, 1].map((group) =>
    [7, 2, 5].map((length, i) => ({
      ids: Array.from({ length }, (_, t) => 6 + ((t * 13 + i * 29 + group * 7) % 90)),
      terminated: true,
    })),
  );
  const rollout: Rollout = {
    ...{ index: 0, rows: [0, 1], completions, texts: new Array<string>(6).fill('') },
    ...{ rewards: [], advantages: Float64Array.of(1, -0.5, -0.5, 0.7, 0.3, -1), old: null, ref: null },
    slices: [Uint32Array.of(0, 1, 2, 3, 4, 5)],
  };
  const options = {
    ...defaultRecipe.grpo,
    ...{ per_device_train_batch_size: 6, num_generations: 3, gradient_accumulation_steps: 1 },
  };
  const step = async (tokensTogether: number) => {
    const reporter = { progress: () => undefined } as unknown as Reporter;
    const own = deciding({ grpo: { tokensTogether, keptLayers: 0 } });
    const { loss, metrics } = await policyStep(
      { trainee: own, rows, pack: tokens(), options, reporter },
      new Map([[0, rollout]]),
      [{ rollout: 0, slice: 0 }],
      { step: 1, steps: 1 },
    );
    const [bytes] = await trainee.gpu.rec.read(trainee.adapter.gradient);
    return { loss, metrics, gradient: new Float32Array(bytes) };
  };
  const whole = await step(MOST.tokensTogether);
  const parts = await step(rows[0]!.prompt.ids.length + 8);
  expect(whole.gradient.some((value) => value !== 0)).toBe(true);
  expect(Math.abs(parts.loss - whole.loss)).toBeLessThan(1e-6);
  expectTensor('gradient', parts.gradient, whole.gradient, [whole.gradient.length], { relative: 1e-5 });
});
