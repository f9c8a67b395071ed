// The vision tower, forward only (it is frozen): patches to one feature row per merged cell.

import type { Gpu } from '../gpu/gpu';
import type { Recorder, Scope } from '../gpu/recorder';
import { rowsAndWidth, viewAs, type Tensor } from '../gpu/tensor';
import { recorded, withScope } from '../gpu/withScope';
import { gelu, swiglu } from '../ops/activations';
import { attention, rangePairs } from '../ops/attention';
import { allColumns, matmulNT, type FrozenMatrix } from '../ops/matmul';
import { rmsNorm } from '../ops/rmsNorm';
import { rope } from '../ops/rope';
import type { VisionConfig } from './config';
import { visionTable } from './ropeTables';
import { visionLayout, type PatchGrid, type VisionLayout } from './visionLayout';

interface Linear {
  w: FrozenMatrix;
  bias: Tensor;
}

export interface VisionBlockWeights {
  norm1: Tensor;
  qkv: Linear;
  proj: Linear;
  norm2: Tensor;
  /** gate, up stacked. */
  gateUp: Linear;
  down: Linear;
}

export interface VisionWeights {
  /** (Cv, channels * frames * p * p) */
  patchEmbed: FrozenMatrix;
  blocks: VisionBlockWeights[];
  mergerNorm: Tensor;
  mergerIn: Linear;
  mergerOut: Linear;
}

export interface VisionTower {
  config: VisionConfig;
  weights: VisionWeights;
}

/** Called with intermediate results, for checks: `patch_embed`, `block_i`, `merger_windowed`; window order. */
export type VisionProbe = (name: string, value: Tensor) => void;

function linear(rec: Recorder, x: Tensor, { w, bias }: Linear, y: Tensor, addend?: Tensor): void {
  matmulNT(
    rec,
    { x: allColumns(x), w, y: allColumns(y), bias },
    { m: rowsAndWidth('vision linear: x', x)[0], add: addend },
  );
}

interface BlockInputs {
  table: Tensor;
  tableRow: Tensor;
  ranges: Tensor;
  /** Query-key pairs of the ranges. */
  pairs: number;
}

function visionBlock(
  rec: Recorder,
  config: VisionConfig,
  weights: VisionBlockWeights,
  { table, tableRow, ranges, pairs }: BlockInputs,
  x: Tensor,
  y: Tensor,
  scope: Scope,
): void {
  const [rows, width] = rowsAndWidth('visionBlock: x', x);
  const { heads, headSize } = config;
  const eps = config.rmsNormEps;
  const n = scope.tensor(x.shape);
  const rstd = scope.tensor([rows]);
  rmsNorm(rec, { x, weight: weights.norm1, y: n, rstd }, { eps });
  const qkv = scope.tensor([rows, 3 * width]);
  linear(rec, n, weights.qkv, qkv);
  rope(rec, { x: qkv, table, tableRow }, { heads: 2 * heads, headSize, direction: 1 });
  const o = scope.tensor(x.shape);
  const stats = scope.tensor([rows, heads, 2]);
  const columns = (offset: number) => ({ data: qkv, stride: 3 * width, offset });
  attention(
    rec,
    { q: columns(0), k: columns(width), v: columns(2 * width), ranges, o, stats },
    { heads, kvHeads: heads, headSize, rows, pairs },
  );
  const x1 = scope.tensor(x.shape);
  linear(rec, o, weights.proj, x1, x);
  rmsNorm(rec, { x: x1, weight: weights.norm2, y: n, rstd }, { eps });
  const gu = scope.tensor([rows, 2 * config.intermediateSize]);
  linear(rec, n, weights.gateUp, gu);
  const h = scope.tensor([rows, config.intermediateSize]);
  swiglu(rec, { gu, h });
  linear(rec, h, weights.down, y, x1);
}

function merge(rec: Recorder, { config, weights }: VisionTower, x: Tensor, scope: Scope): Tensor {
  const unit = config.spatialMergeSize ** 2;
  const [rows, width] = rowsAndWidth('vision merger: x', x);
  const n = scope.tensor(x.shape);
  rmsNorm(rec, { x, weight: weights.mergerNorm, y: n, rstd: scope.tensor([rows]) }, { eps: config.rmsNormEps });
  const cells = rows / unit;
  const inner = scope.tensor([cells, unit * width]);
  linear(rec, viewAs(n, [cells, unit * width]), weights.mergerIn, inner);
  gelu(rec, inner);
  const out = scope.tensor([cells, config.outHiddenSize]);
  linear(rec, inner, weights.mergerOut, out);
  return out;
}

function inWindowOrder(patches: Float32Array, layout: VisionLayout): Float32Array<ArrayBuffer> {
  const width = patches.length / layout.patches;
  const out = new Float32Array(patches.length);
  layout.patchOrder.forEach((from, i) => out.set(patches.subarray(from * width, (from + 1) * width), i * width));
  return out;
}

/** All blocks and the merger: f32 (P / merge², C) in window order. */
async function towerForward(
  rec: Recorder,
  tower: VisionTower,
  { patches, layout }: { patches: Float32Array; layout: VisionLayout },
  scope: Scope,
  probe?: VisionProbe,
): Promise<Tensor> {
  const { config, weights } = tower;
  const rows = layout.patches;
  await rec.begin(`vision ${rows}`);
  const pixels = scope.upload(inWindowOrder(patches, layout), [rows, patches.length / rows]);
  const table = scope.upload(visionTable(layout.patchPlace, { headSize: config.headSize, theta: config.ropeTheta }));
  const tableRow = scope.upload(Uint32Array.from({ length: rows }, (_, i) => i));
  const seen = (ranges: Uint32Array) => ({ ranges: scope.upload(ranges), pairs: rangePairs(ranges) });
  const windows = seen(layout.windowRanges);
  const frames = seen(layout.frameRanges);
  let x = scope.tensor([rows, config.hiddenSize]);
  let y = scope.tensor([rows, config.hiddenSize]);
  matmulNT(rec, { x: allColumns(pixels), w: weights.patchEmbed, y: allColumns(x) }, { m: rows });
  probe?.('patch_embed', x);
  for (const [i, block] of weights.blocks.entries()) {
    const ranges = config.fullAttentionBlocks.includes(i) ? frames : windows;
    const [from, to] = [x, y];
    recorded(rec, (own) => visionBlock(rec, config, block, { table, tableRow, ...ranges }, from, to, own));
    probe?.(`block_${i}`, y);
    [x, y] = [y, x];
    await rec.room();
  }
  const merged = merge(rec, tower, x, scope);
  probe?.('merger_windowed', merged);
  return merged;
}

/**
 * Features of several images at once.
 * @param patches f32 (P, channels * frames * p * p) of all images, in the image processor's order
 * @param grids frames, rows, columns of each image in patches
 * @returns f32 (P / merge², C) in the images' own raster order
 */
export async function visionFeatures(
  gpu: Gpu,
  tower: VisionTower,
  patches: Float32Array,
  grids: readonly PatchGrid[],
  probe?: VisionProbe,
): Promise<Float32Array> {
  const layout = visionLayout(grids, tower.config);
  const windowed = await withScope(gpu.rec, async (scope) => {
    const merged = await towerForward(gpu.rec, tower, { patches, layout }, scope, probe);
    const [bytes] = await gpu.rec.read(merged);
    return new Float32Array(bytes);
  });
  const width = tower.config.outHiddenSize;
  const out = new Float32Array(windowed.length);
  layout.windowIndex.forEach((cell, i) => out.set(windowed.subarray(i * width, (i + 1) * width), cell * width));
  return out;
}
