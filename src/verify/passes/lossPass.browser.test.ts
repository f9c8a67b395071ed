// What a pass says of each label, against all logits of the same batch.

import { beforeAll, describe, expect, test } from 'vitest';
import { longTest } from '../../base/testing/longTest';
import type { Prompt } from '../../data/encode';
import { mropePositions } from '../../data/mrope';
import { packGroups, packPrompts, type PackedBatch } from '../../data/pack';
import { VARIANTS } from '../../gpu/testGpu';
import { batchLogits } from '../../infer/logits';
import type { ReferenceModel } from '../loadModel';
import { openPass, scoreLabels, supervisedPass, type Trainee } from '../../train/lossPass';
import { openReferenceCase } from './referenceCase';

const IMAGE = { hash: 'none', view: { loading: 'library', preResize: false }, grid: [1, 2, 2] } as const;

let reference: ReferenceModel;
let trainee: Trainee;

function textPrompt(ids: number[]): Prompt {
  const { imageTokenId, vision } = reference.config;
  const { positions, next } = mropePositions(ids, [], { imageTokenId, spatialMergeSize: vision.spatialMergeSize });
  return { ids: Int32Array.from(ids), positions, nextPosition: next, images: [] };
}

/** The most likely next token after each token of a batch. */
async function mostLikely(batch: PackedBatch): Promise<number[]> {
  const { gpu, model, adapter } = trainee;
  const logits = await batchLogits(gpu, model.language, batch, trainee.featuresOf, adapter);
  const { vocabSize } = model.config;
  return Array.from({ length: batch.tokens }, (_, t) => {
    const row = logits.subarray(t * vocabSize, (t + 1) * vocabSize);
    return row.indexOf(row.reduce((a, b) => Math.max(a, b)));
  });
}

describe.each(VARIANTS)('with kernels for %s', (variant) => {
  const variantTest = variant === 'gpu' ? longTest : test;

  beforeAll(async () => {
    ({ reference, trainee } = await openReferenceCase(variant));
  });

  variantTest('every pass says which targets are the most likely tokens, whatever the temperature', async () => {
    const { imageTokenId, vision } = reference.config;
    const context = { imageTokenId, spatialMergeSize: vision.spatialMergeSize };
    const prompt = textPrompt([9, 17, 30, 11]);
    const next = (await mostLikely(packPrompts([prompt], context))).at(-1)!;
    const completions = [[next, 20, 21], [next + 1], [next], [40, 41]];
    const batch = packGroups([{ prompt, completions }], context);
    const best = await mostLikely(batch);
    const want = batch.labels.map(({ row, target }) => Number(best[row] === target));
    // Two of the first tokens of the four completions.
    expect(want.filter(Boolean).length).toBeGreaterThanOrEqual(2);
    expect(want).toContain(0);

    const options = { temperature: 1.7, keptLayers: Infinity };
    const open = await openPass(trainee, batch, options);
    await open.backward(new Float32Array(batch.labels.length));
    const supervised = await supervisedPass(trainee, batch, new Float32Array(batch.labels.length), options);
    const scored = await scoreLabels(trainee, batch, { temperature: 1.7, withAdapter: true });
    for (const { correct } of [open.values, supervised, scored]) expect(Array.from(correct)).toEqual(want);
  });

  variantTest('the logits of some positions are those rows of all logits, to the bit', async () => {
    const { gpu, model, adapter } = trainee;
    const { imageTokenId, vision, vocabSize } = reference.config;
    const batch = packPrompts([textPrompt([9, 17, 30, 11, 12])], {
      imageTokenId,
      spatialMergeSize: vision.spatialMergeSize,
    });
    const all = await batchLogits(gpu, model.language, batch, trainee.featuresOf, adapter);
    const some = await batchLogits(gpu, model.language, batch, trainee.featuresOf, adapter, [2, 4]);
    expect(all.length).toBe(5 * vocabSize);
    const rows = [2, 4].flatMap((t) => [...all.subarray(t * vocabSize, (t + 1) * vocabSize)]);
    expect([...some]).toEqual(rows);
  });

  variantTest('logits that cannot be computed leave nothing on the GPU', async () => {
    const { gpu, model } = trainee;
    const { imageTokenId, vision } = reference.config;
    const prompt = { ...textPrompt([9, 17, 30, 11]), images: [IMAGE] };
    prompt.ids.set([imageTokenId], 1);
    const batch = packPrompts([prompt], { imageTokenId, spatialMergeSize: vision.spatialMergeSize });
    const refuse = (): Promise<void> => Promise.reject(new Error('no picture'));
    await gpu.rec.submit();
    const { bytes } = gpu.memory();
    await expect(batchLogits(gpu, model.language, batch, refuse)).rejects.toThrow('no picture');
    expect(gpu.memory().bytes.workspace).toBe(bytes.workspace);
  });
});
