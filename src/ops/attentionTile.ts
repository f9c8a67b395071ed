// How attention's tile kernels divide their work: their constants by the shape of the heads.

import type { Specialisation } from '../gpu/shaderAssembly';

export interface AttentionShape {
  heads: number;
  kvHeads: number;
  headSize: number;
}

/** (Query row, head) rows of one key head to a tile: TILE of the shaders. */
export const TILE_ROWS = 64;

/** Larger heads would take more workgroup memory or invocations than every device has. */
const LARGEST_HEAD = 128;

/** Whether the tile kernels take heads of this size. */
export function hasTiles({ headSize }: AttentionShape): boolean {
  return headSize <= LARGEST_HEAD;
}

/** Query rows after which a tile begins at a query row again: dispatches may begin there without moving any tile. */
export function tileStep({ heads, kvHeads }: AttentionShape): number {
  let step = 1;
  while ((step * (heads / kvHeads)) % TILE_ROWS !== 0) step *= 2;
  return step;
}

/** Constants of attention_tile.wgsl. */
export function forwardTile({ heads, kvHeads, headSize }: AttentionShape): NonNullable<Specialisation['spec']> {
  const D4 = headSize / 4;
  const ROWS = D4 > 8 ? 8 : 4;
  const COLUMNS = D4 > 20 && D4 % 2 === 0 ? 2 : 1;
  let SLICE4 = Math.min(D4, 8);
  while (D4 % SLICE4 !== 0) SLICE4--;
  return {
    GROUP: heads / kvHeads,
    D4,
    LANES: Math.max(128, (TILE_ROWS / ROWS) * (D4 / COLUMNS)),
    SLICE4,
    ROWS,
    COLUMNS,
    V_KEYS: D4 > 16 ? 8 : 16,
  };
}
