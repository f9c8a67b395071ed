// A padded batch of the reference through the language model, step by step as far as the folder has them.

import { mropePositions } from '../../data/mrope';
import { packPrompts } from '../../data/pack';
import type { Prompt } from '../../data/encode';
import { rowsAndWidth, type Tensor } from '../../gpu/tensor';
import { withoutPadding } from '../../infer/logits';
import { uploadStream } from '../../infer/stream';
import { embedStream, finalRows, forwardOnly } from '../../model/languageModel';
import { mropeTable, spelledOut } from '../../model/ropeTables';
import { headLogits, logitsStride } from '../../ops/head';
import { compareTensor } from '../../reference/compare';
import type { ReferenceTensor, TensorTolerance, VerifyContext } from '../../reference/types';
import { floats, imageRefOf, integers, referenceFeatures, type ReferenceModel } from '../loadModel';

/** The live tokens of one row of a padded batch. */
export function liveIndices(mask: readonly number[]): number[] {
  return mask.flatMap((m, t) => (m ? [t] : []));
}

/** How many images a row holds, by its runs of placeholders (one run per image: each is framed by vision tokens). */
export function imagesInRow(ids: readonly number[], imageTokenId: number): number {
  return ids.filter((id, t) => id === imageTokenId && ids[t - 1] !== imageTokenId).length;
}

export interface ForwardMeta {
  tolerance: Record<string, TensorTolerance>;
  images: number[];
}

/** A padded batch as prompts without padding, with the fixture's images in order. */
export function promptsOfBatch(
  reference: ReferenceModel,
  ids: number[],
  mask: number[],
  shape: number[],
  images: number[],
): Prompt[] {
  const [rows, width] = rowsAndWidth('input ids', { shape });
  const { config } = reference;
  let used = 0;
  return Array.from({ length: rows }, (_, b) => {
    const live = liveIndices(mask.slice(b * width, (b + 1) * width)).map((t) => ids[b * width + t]!);
    const count = imagesInRow(live, config.imageTokenId);
    const own = images.slice(used, used + count).map((k) => imageRefOf(reference, k));
    used += count;
    const { positions, next } = mropePositions(
      live,
      own.map(({ grid }) => grid),
      {
        imageTokenId: config.imageTokenId,
        spatialMergeSize: config.vision.spatialMergeSize,
      },
    );
    return { ids: Int32Array.from(live), positions, nextPosition: next, images: own };
  });
}

/** Writes packed rows (T, width) to their places in the padded (B, T, width) layout; padding stays 0. */
function unpack(packed: Float32Array, mask: readonly number[], width: number): Float32Array {
  const out = new Float32Array(mask.length * width);
  let row = 0;
  mask.forEach((m, at) => {
    if (m) out.set(packed.subarray(row * width, ++row * width), at * width);
  });
  return out;
}

function logProbs(
  logits: Float32Array,
  ids: readonly number[],
  shape: readonly number[],
  vocabulary: number,
): Float32Array {
  const [rows, width] = rowsAndWidth('input ids', { shape });
  const out = new Float32Array(rows * (width - 1));
  for (let b = 0; b < rows; b++) {
    for (let t = 0; t + 1 < width; t++) {
      const row = logits.subarray((b * width + t) * vocabulary, (b * width + t + 1) * vocabulary);
      const top = row.reduce((a, v) => Math.max(a, v), -Infinity);
      const sum = row.reduce((a, v) => a + Math.exp(v - top), 0);
      out[b * (width - 1) + t] = row[ids[b * width + t + 1]!]! - top - Math.log(sum);
    }
  }
  return out;
}

/** Checks a padded batch through the language model: whatever of its steps `tensors` has. */
export async function checkForward(
  context: VerifyContext,
  reference: ReferenceModel,
  { name, meta, tensors }: { name: string; meta: ForwardMeta; tensors: Map<string, ReferenceTensor> },
): Promise<void> {
  const { gpu, model, config } = reference;
  const { rec } = gpu;
  const ids = integers(tensors, 'input_ids');
  const mask = integers(tensors, 'attention_mask');
  const shape = tensors.get('input_ids')?.shape ?? [];
  const prompts = promptsOfBatch(reference, ids, mask, shape, meta.images);
  const batch = packPrompts(prompts, {
    imageTokenId: config.imageTokenId,
    spatialMergeSize: config.vision.spatialMergeSize,
  });
  const compare = (part: string, got: Float32Array, width: number) => {
    const tensor = tensors.get(part);
    if (tensor)
      context.report(
        compareTensor(
          `${name} ${part}`,
          unpack(got, mask, width),
          floats(tensors, part),
          tensor.shape,
          meta.tolerance[part]!,
          mask,
        ),
      );
  };
  const table = mropeTable(batch.positions, {
    headSize: config.headSize,
    theta: config.ropeTheta,
    section: config.mropeSection,
  });
  compare('rope_cos', spelledOut(table, config.headSize, 'cos'), config.headSize);
  compare('rope_sin', spelledOut(table, config.headSize, 'sin'), config.headSize);
  const scope = rec.scope();
  const inputs = await uploadStream(rec, scope, batch, referenceFeatures(reference), config);
  const c = config.hiddenSize;
  const x = scope.tensor([batch.tokens, c]);
  const copies: [string, Tensor][] = [];
  const copy = (part: string, value: Tensor) => {
    const kept = scope.tensor([batch.tokens, c]);
    rec.copy(value, kept);
    copies.push([part, kept]);
  };
  embedStream(rec, model.language, inputs, x);
  copy('inputs_embeds', x);
  await forwardOnly(model.language, inputs, x, { rec, onLayer: (layer, y) => copy(`layer_${layer}`, y) });
  const hidden = scope.tensor([batch.tokens, c]);
  finalRows(
    rec,
    model.language,
    { x, row: scope.upload(Uint32Array.from({ length: batch.tokens }, (_, i) => i)), hidden },
    scope,
  );
  copies.push(['final_norm', hidden]);
  const stride = logitsStride(config.vocabSize);
  const logits = scope.tensor([batch.tokens, stride]);
  headLogits(rec, { hidden, logits }, model.language.weights.head);
  const read = await rec.read(logits, ...copies.map(([, tensor]) => tensor));
  scope.release();
  copies.forEach(([part], i) => compare(part, new Float32Array(read[i + 1]!), c));
  const dense = withoutPadding(new Float32Array(read[0]), batch.tokens, config.vocabSize);
  compare('logits', dense, config.vocabSize);
  const logp = tensors.get('log_probs');
  if (logp) {
    const got = logProbs(unpack(dense, mask, config.vocabSize), ids, shape, config.vocabSize);
    const both = Array.from(got, (_, i) => {
      const b = Math.floor(i / (shape[1]! - 1));
      const t = i % (shape[1]! - 1);
      return mask[b * shape[1]! + t]! * mask[b * shape[1]! + t + 1]!;
    });
    context.report(
      compareTensor(
        `${name} log_probs`,
        got,
        floats(tensors, 'log_probs'),
        logp.shape,
        meta.tolerance.log_probs!,
        both,
      ),
    );
  }
}
