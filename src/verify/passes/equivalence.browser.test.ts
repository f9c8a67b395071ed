// Tier 4: ways of arranging the same work must give the same losses and the same adapter gradients.

import { beforeAll, describe, expect, test } from 'vitest';
import { longTest } from '../../base/testing/longTest';
import type { Example, Prompt } from '../../data/encode';
import { mropePositions } from '../../data/mrope';
import { packExamples, packGroups, type PackedBatch } from '../../data/pack';
import { VARIANTS } from '../../gpu/testGpu';
import { imageRefOf, type ReferenceModel } from '../loadModel';
import { expectTensor } from '../../ops/testing/expectTensor';
import { openPass, supervisedPass, type PassOptions, type Trainee } from '../../train/lossPass';
import { clearGradient } from '../../train/optimizer';
import { openReferenceCase } from './referenceCase';

let reference: ReferenceModel;
let trainee: Trainee;

const tokens = () => ({
  imageTokenId: reference.config.imageTokenId,
  spatialMergeSize: reference.config.vision.spatialMergeSize,
});

/** Text tokens from a small range that holds no special id. */
function textIds(count: number, seed: number): number[] {
  return Array.from({ length: count }, (_, i) => 5 + ((i * 31 + seed * 17) % 97));
}

function promptWithImage(image: number, before: number, after: number): Prompt {
  const grid = reference.grids[image]!;
  const cells = (grid[0] * grid[1] * grid[2]) / tokens().spatialMergeSize ** 2;
  const ids = [
    ...textIds(before, image),
    ...new Array<number>(cells).fill(tokens().imageTokenId),
    ...textIds(after, 3),
  ];
  const images = [imageRefOf(reference, image)];
  const { positions, next } = mropePositions(ids, [grid], tokens());
  return { ids: Int32Array.from(ids), positions, nextPosition: next, images };
}

function example(image: number, target: number): Example {
  const prompt = promptWithImage(image, 3 + image, 4);
  const ids = [...prompt.ids, ...textIds(target, target)];
  const { positions, next } = mropePositions(ids, [prompt.images[0]!.grid], tokens());
  return {
    ids: Int32Array.from(ids),
    positions,
    nextPosition: next,
    images: prompt.images,
    promptLength: prompt.ids.length,
    labelMask: Uint8Array.from(ids, (_, t) => (t >= prompt.ids.length ? 1 : 0)),
  };
}

/** Sum of log-probabilities weighted by `weight`, and the gradient it leaves, over several passes. */
async function run(batches: PackedBatch[], weight: number, options: Partial<PassOptions> = {}) {
  clearGradient(trainee.gpu, trainee.adapter);
  let loss = 0;
  for (const batch of batches) {
    const pass = await openPass(trainee, batch, { temperature: 1, keptLayers: Infinity, ...options });
    loss += pass.values.logp.reduce((sum, value) => sum + value, 0) * weight;
    await pass.backward(new Float32Array(batch.labels.length).fill(weight));
  }
  const [bytes] = await trainee.gpu.rec.read(trainee.adapter.gradient);
  return { loss, gradient: new Float32Array(bytes) };
}

/** Each factor's part of a flat gradient, by its name. */
function byFactor(flat: Float32Array): [string, Float32Array][] {
  const { factors, rPadded } = trainee.adapter;
  return factors.flatMap(({ layer, module, in: inputs, out, aOffset, bOffset }): [string, Float32Array][] => [
    [`layer ${layer} ${module} A`, flat.subarray(aOffset, aOffset + rPadded * inputs)],
    [`layer ${layer} ${module} B`, flat.subarray(bOffset, bOffset + out * rPadded)],
  ]);
}

/**
 * f32 sums in another order: a few units in the last place of the factor's largest element. Factor by factor, because
 * their sizes differ by orders of magnitude, and a wrong small one would be nothing beside the largest of all.
 */
function expectSame(got: Awaited<ReturnType<typeof run>>, want: Awaited<ReturnType<typeof run>>) {
  expect(Math.abs(got.loss - want.loss)).toBeLessThan(1e-5 * Math.abs(want.loss));
  const gotFactors = new Map(byFactor(got.gradient));
  for (const [name, values] of byFactor(want.gradient)) {
    expect(
      values.some((value) => value !== 0),
      `${name} has a gradient`,
    ).toBe(true);
    expectTensor(name, gotFactors.get(name)!, values, [values.length], { relative: 1e-5 });
  }
}

const examples = () => [example(0, 5), example(1, 8), example(0, 2), example(1, 3)];

describe.each(VARIANTS)('with kernels for %s', (variant) => {
  const variantTest = variant === 'gpu' ? longTest : test;

  beforeAll(async () => {
    ({ reference, trainee } = await openReferenceCase(variant));
  });

  variantTest(
    'examples packed together give what they give one by one, so accumulation 1 x 4 equals 4 x 1',
    async () => {
      const all = examples();
      const packed = await run([packExamples(all, tokens())], -0.1);
      const single = await run(
        all.map((one) => packExamples([one], tokens())),
        -0.1,
      );
      expectSame(packed, single);
    },
  );

  variantTest('however many layers keep their activations, loss and gradient are the same to the bit', async () => {
    const batch = packExamples(examples(), tokens());
    const kept = await run([batch], -0.1);
    expect(kept.gradient.some((value) => value !== 0)).toBe(true);
    for (let keptLayers = 0; keptLayers < reference.config.layers; keptLayers++) {
      const found = await run([batch], -0.1, { keptLayers });
      expect(found.loss).toBe(kept.loss);
      expect(found.gradient).toEqual(kept.gradient);
    }
  });

  variantTest('SFT in one pass gives bitwise what two passes give', async () => {
    const batch = packExamples(examples(), tokens());
    const want = await run([batch], -0.1);
    clearGradient(trainee.gpu, trainee.adapter);
    const c = new Float32Array(batch.labels.length).fill(-0.1);
    const { logp } = await supervisedPass(trainee, batch, c, { temperature: 1, keptLayers: Infinity });
    const [bytes] = await trainee.gpu.rec.read(trainee.adapter.gradient);
    expect(logp.reduce((sum, value) => sum + value, 0) * -0.1).toBe(want.loss);
    expect(new Float32Array(bytes)).toEqual(want.gradient);
  });

  variantTest('a prompt shared by its completions gives what the prompt repeated for each gives', async () => {
    const prompt = promptWithImage(0, 4, 5);
    const completions = [textIds(6, 1), textIds(1, 2), textIds(9, 3)];
    const shared = await run([packGroups([{ prompt, completions }], tokens())], -0.2);
    const groups = completions.map((completion) => ({ prompt, completions: [completion] }));
    const repeated = await run([packGroups(groups, tokens())], -0.2);
    expectSame(shared, repeated);
  });

  variantTest('dropout draws the same mask however examples are packed, and changes the loss', async () => {
    const all = examples();
    const dropout = { p: 0.3, seed: 7, step: 2, microBatch: 1 };
    const names = all.map((_, i) => i);
    const packed = await run([packExamples(all, tokens(), names)], -0.1, { dropout });
    const single = await run(
      all.map((one, i) => packExamples([one], tokens(), [i])),
      -0.1,
      { dropout },
    );
    expectSame(packed, single);
    const without = await run([packExamples(all, tokens())], -0.1);
    expect(Math.abs(packed.loss - without.loss)).toBeGreaterThan(1e-3);
  });

  variantTest('with dropout, recomputed activations draw the same masks as kept ones', async () => {
    const batch = packExamples(examples(), tokens());
    const dropout = { p: 0.3, seed: 7, step: 2, microBatch: 1 };
    const kept = await run([batch], -0.1, { dropout });
    const recomputed = await run([batch], -0.1, { dropout, keptLayers: 0 });
    expect(recomputed.gradient).toEqual(kept.gradient);
  });
});
