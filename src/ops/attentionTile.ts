// How attention's kernels for GPUs divide their work: their constants by the shape of the heads.

import type { Specialisation } from '../gpu/shaderAssembly';

export interface AttentionShape {
  heads: number;
  kvHeads: number;
  headSize: number;
}

/** (Query row, head) rows of one key head to a tile: TILE of the shaders. */
export const TILE_ROWS = 64;

/** Keys to a tile: KEYS of lib/attention_tile.wgsl. */
export const TILE_KEYS = 32;

/** Larger heads would take more workgroup memory or invocations than every device has. */
const LARGEST_HEAD = 128;

/** Up to so many query rows, each with keys of its own (decoding), tiles of rows would share too little. */
export const FEW_ROWS = 64;

/** Whether the kernels for GPUs take heads of this size. */
export function hasTiles({ headSize }: AttentionShape): boolean {
  return headSize <= LARGEST_HEAD;
}

/** Query rows after which a tile begins at a query row again: dispatches may begin there without moving any tile. */
export function tileStep({ heads, kvHeads }: AttentionShape): number {
  let step = 1;
  while ((step * (heads / kvHeads)) % TILE_ROWS !== 0) step *= 2;
  return step;
}

type Constants = NonNullable<Specialisation['spec']>;

/**
 * What all three kernels have: scores are made by 128 invocations, from the greatest slices that divide a head evenly; OUT_ROWS
 * rows lie in workgroup memory at a time, beside a tile of weights.
 */
function common({ heads, kvHeads, headSize }: AttentionShape) {
  const D4 = headSize / 4;
  let SLICE4 = Math.min(D4, 8);
  while (D4 % SLICE4 !== 0) SLICE4--;
  return { GROUP: heads / kvHeads, D4, SLICE4, OUT_ROWS: D4 > 16 ? 8 : 16 };
}

/** Constants of the kernels with outputs by query row: attention_tile.wgsl and attention_backward_q_tile.wgsl. */
export function queryTile(shape: AttentionShape): Constants {
  const own = common(shape);
  const { D4 } = own;
  const ROWS = D4 > 8 ? 8 : 4;
  const COLUMNS = D4 > 20 && D4 % 2 === 0 ? 2 : 1;
  return { ...own, ROWS, COLUMNS, LANES: Math.max(128, (TILE_ROWS / ROWS) * (D4 / COLUMNS)) };
}

/** Constants of attention_backward_kv_tile.wgsl, with outputs by key. */
export function keyTile(shape: AttentionShape): Constants {
  const own = common(shape);
  const ROWS = own.D4 > 20 ? 8 : 4;
  return { ...own, ROWS, LANES: Math.max(128, (TILE_KEYS / ROWS) * own.D4) };
}

/** Constants of attention_few.wgsl. */
export function fewRows({ heads, kvHeads, headSize }: AttentionShape) {
  const GROUP = heads / kvHeads;
  const HEADS = [4, 2].find((count) => GROUP % count === 0) ?? 1;
  const D4 = headSize / 4;
  return { GROUP, D4, HEADS, V_LOADS: Math.ceil(64 / Math.floor(256 / D4)) };
}
