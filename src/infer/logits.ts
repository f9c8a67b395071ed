// The logits of a packed batch's tokens, for checks; training and generation never hold them all.

import type { PackedBatch } from '../data/pack';
import type { Gpu } from '../gpu/gpu';
import { withScope } from '../gpu/withScope';
import { embedStream, finalRows, forwardOnly, type LanguageModel } from '../model/languageModel';
import type { LoraAdapter } from '../model/lora';
import { headLogits, logitsStride } from '../ops/head';
import type { FeaturesOf } from './features';
import { uploadStream } from './stream';

/**
 * @param featuresOf the features of the batch's images @param adapter left out: the base model
 * @param positions tokens to compute the logits of, N of them; left out: all T
 * @returns f32 (N, V) @throws gpu.lost, gpu.bufferTooLarge
 */
export async function batchLogits(
  gpu: Gpu,
  model: LanguageModel,
  batch: PackedBatch,
  featuresOf: FeaturesOf,
  adapter?: LoraAdapter,
  positions: readonly number[] = Array.from({ length: batch.tokens }, (_, i) => i),
): Promise<Float32Array<ArrayBuffer>> {
  const { rec } = gpu;
  const { config } = model;
  const rows = positions.length;
  const padded = await withScope(rec, async (scope) => {
    const inputs = await uploadStream(rec, scope, batch, featuresOf, config);
    await rec.begin(`logits ${batch.tokens} ${rows}`);
    const x = scope.tensor([batch.tokens, config.hiddenSize]);
    embedStream(rec, model, inputs, x);
    await forwardOnly(model, inputs, x, { rec, adapter });
    const hidden = scope.tensor([rows, config.hiddenSize]);
    const row = scope.upload(Uint32Array.from(positions));
    finalRows(rec, model, { x, row, hidden }, scope);
    const logits = scope.tensor([rows, logitsStride(config.vocabSize)]);
    headLogits(rec, { hidden, logits }, model.weights.head);
    const [bytes] = await rec.read(logits);
    return new Float32Array(bytes);
  });
  return withoutPadding(padded, rows, config.vocabSize);
}

/** Rows of `logitsStride(vocabulary)` numbers to rows of `vocabulary`. */
export function withoutPadding(padded: Float32Array, rows: number, vocabulary: number): Float32Array<ArrayBuffer> {
  const stride = logitsStride(vocabulary);
  const dense = new Float32Array(rows * vocabulary);
  for (let t = 0; t < rows; t++) dense.set(padded.subarray(t * stride, t * stride + vocabulary), t * vocabulary);
  return dense;
}
