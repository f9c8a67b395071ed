// The tensors of pictures on their way through the vision tower.

import type { ModelConfig } from '../model/config';
import type { PictureFigures } from './figures';
import { buffers, type Buffers, type Work } from './pool';
import { F32 } from './widths';

/** Numbers of a patch's pixels. */
export function patchPixels({ vision }: ModelConfig): number {
  return vision.inChannels * vision.temporalPatchSize * vision.patchSize ** 2;
}

/**
 * So many patches together. Per patch: its pixels, a row of the rope table, its row there and two ranges of four bounds; two
 * rows of v that the blocks write in turn; then one block (normed input with its deviation, q k v, attention with two
 * statistics per head, residual, gate and up, product) and the merger (normed input with its deviation, its first linear over
 * merge x merge patches, its output, which is read back).
 */
function towerWork(config: ModelConfig, patches: number, held: readonly Buffers[]): Work {
  const { hiddenSize: v, intermediateSize: i, heads, headSize, outHiddenSize, spatialMergeSize } = config.vision;
  const of = (...widths: number[]): Buffers[] => widths.map((width) => buffers('workspace', F32 * width * patches));
  const pixels = patchPixels(config);
  const out = outHiddenSize / spatialMergeSize ** 2;
  const base = [...held, ...of(pixels, headSize, 1, 4, 4, v, v)];
  return {
    moments: [
      [...base, ...of(v, 1, 3 * v, v, 2 * heads, v, 2 * i, i)],
      [...base, ...of(v, 1, v, out)],
    ],
    up: F32 * (pixels + headSize + 9) * patches,
    back: F32 * out * patches,
  };
}

/**
 * Pictures on their way through the tower: as many together as their limit allows, but one at any rate; then those that
 * remain. They are taken as alike, but for the largest.
 * @param patches of all that are asked for @param together that may go at once @param held by whoever asks
 */
export function encodeWorks(
  config: ModelConfig,
  { count, patches: all, largestPatches }: PictureFigures,
  { patches, together }: { patches: number; together: number },
  held: readonly Buffers[],
): Work[] {
  if (patches === 0 || count === 0) return [];
  const each = all / count;
  const asked = Math.max(1, Math.round(patches / each));
  const most = Math.min(asked, Math.max(1, Math.floor(together / each)));
  const whole = towerWork(config, Math.max(largestPatches, most * each), held);
  const rest = asked % most;
  return rest === 0 ? [whole] : [whole, towerWork(config, rest * each, held)];
}
