// GPU bytes of pictures on their way through the vision tower.

import type { ModelConfig } from '../model/config';
import { F32 } from './widths';

/** Numbers of a patch's pixels. */
export function patchPixels({ vision }: ModelConfig): number {
  return vision.inChannels * vision.temporalPatchSize * vision.patchSize ** 2;
}

/**
 * Per patch: its pixels, a row of the rope table, its row there and two ranges of four bounds; two rows of v that the blocks
 * write in turn; and the larger of one block (normed input with its deviation, q k v, attention with two statistics per head,
 * residual, gate, up, product) and the merger (normed input, its first linear over merge x merge patches, its output).
 */
export function patchBytes(config: ModelConfig): number {
  const { hiddenSize: v, intermediateSize: i, heads, headSize, outHiddenSize, spatialMergeSize } = config.vision;
  const block = v + 1 + 3 * v + v + 2 * heads + v + 3 * i;
  const merger = v + 1 + v + outHiddenSize / spatialMergeSize ** 2;
  return F32 * (patchPixels(config) + headSize + 1 + 8 + 2 * v + Math.max(block, merger));
}
