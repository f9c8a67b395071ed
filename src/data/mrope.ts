// M-RoPE position ids: three per token (time, row, column). Pure integer arithmetic over token ids and image grids.
// Source: transformers 5, Qwen2_5_VLModel.get_rope_index.

import { check } from '../base/errors';
import { gridTokenCount } from '../image/smartResize';

/** Patches of an image: frames, rows, columns. */
export type Grid = readonly [number, number, number];

export interface VisionTokens {
  imageTokenId: number;
  /** Patches per side that become one token. */
  spatialMergeSize: number;
}

export interface MropePositions {
  /** (3, T), row-major: time, row, column. */
  positions: Int32Array<ArrayBuffer>;
  /** Position, on all three axes, of the token that would follow. */
  next: number;
}

/**
 * Positions of one sequence. Padding is not part of `ids`.
 * @param ids (T) token ids @param grids of the images in order
 * @throws mrope.images when runs of image tokens and grids do not match
 */
export function mropePositions(ids: ArrayLike<number>, grids: readonly Grid[], tokens: VisionTokens): MropePositions {
  const { imageTokenId, spatialMergeSize } = tokens;
  const length = ids.length;
  const positions = new Int32Array(3 * length);
  let next = 0;
  let image = 0;
  for (let at = 0; at < length;) {
    if (ids[at] !== imageTokenId) {
      for (let axis = 0; axis < 3; axis++) positions[axis * length + at] = next;
      next++;
      at++;
      continue;
    }
    const grid = grids[image];
    check(grid, 'mrope.images', `token ${at} starts image ${image + 1}, but there are ${grids.length} images`);
    const count = gridTokenCount(grid, spatialMergeSize);
    for (let offset = 0; offset < count; offset++) {
      check(
        ids[at + offset] === imageTokenId,
        'mrope.images',
        `image ${image + 1} needs ${count} image tokens from token ${at} on, found ${offset}`,
      );
    }
    const columns = grid[2] / spatialMergeSize;
    const perFrame = (grid[1] / spatialMergeSize) * columns;
    for (let offset = 0; offset < count; offset++) {
      const inFrame = offset % perFrame;
      positions[at + offset] = next + Math.floor(offset / perFrame);
      positions[length + at + offset] = next + Math.floor(inFrame / columns);
      positions[2 * length + at + offset] = next + (inFrame % columns);
    }
    next += Math.max(grid[1], grid[2]) / spatialMergeSize;
    at += count;
    image++;
  }
  check(image === grids.length, 'mrope.images', `${grids.length} images, but image tokens for ${image}`);
  return { positions, next };
}
