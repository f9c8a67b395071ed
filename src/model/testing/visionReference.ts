// Float64 reference of a vision tower with one block: patch embedding, block, merger. For tests only.

import { gelu } from '../../ops/cpuReference/gelu';
import { linear } from '../../ops/cpuReference/linear';
import { rangeAttention } from '../../ops/cpuReference/rangeAttention';
import { rmsNorm } from '../../ops/cpuReference/rmsNorm';
import { rope } from '../../ops/cpuReference/rope';
import { swiglu } from '../../ops/cpuReference/swiglu';
import type { VisionConfig } from '../config';
import type { WeightOf } from './layerReference';

export interface VisionScene {
  config: VisionConfig;
  /** By the hub's name. */
  weight: WeightOf;
  /** (P, channels * frames * p * p), window order. */
  patches: ArrayLike<number>;
  rows: number;
  /** (P, 4) */
  ranges: ArrayLike<number>;
  /** (P, D) */
  cos: ArrayLike<number>;
  sin: ArrayLike<number>;
}

function add(a: ArrayLike<number>, b: ArrayLike<number>): Float64Array {
  return Float64Array.from(a, (value, i) => value + b[i]!);
}

/** Columns `from .. from + width - 1` of rows that are `stride` apart. */
function columns(values: ArrayLike<number>, rows: number, stride: number, from: number, width: number): Float64Array {
  return Float64Array.from(
    { length: rows * width },
    (_, i) => values[Math.floor(i / width) * stride + from + (i % width)]!,
  );
}

function block({ config, weight, rows, ranges, cos, sin }: VisionScene, x: Float64Array): Float64Array {
  const { hiddenSize: width, intermediateSize: inner, heads, headSize, rmsNormEps } = config;
  const at = 'visual.blocks.0';
  const layer = (name: string, input: ArrayLike<number>, inWidth: number, outWidth: number): Float64Array =>
    linear(input, weight(`${at}.${name}.weight`), weight(`${at}.${name}.bias`), { rows, inWidth, outWidth });
  const norm = (name: string, input: ArrayLike<number>): Float64Array =>
    rmsNorm(input, weight(`${at}.${name}.weight`), { rows, width }, rmsNormEps).y;
  const qkv = layer('attn.qkv', norm('norm1', x), width, 3 * width);
  const part = (i: number): Float64Array => columns(qkv, rows, 3 * width, i * width, width);
  const [q, k] = [part(0), part(1)].map((values) => rope(values, cos, sin, { rows, heads, headSize }));
  const shape = { queries: rows, keys: rows, heads, kvHeads: heads, headSize };
  const { o } = rangeAttention(q!, k!, part(2), ranges, shape);
  const x1 = add(x, layer('attn.proj', o, width, width));
  const n = norm('norm2', x1);
  const h = swiglu(layer('mlp.gate_proj', n, width, inner), layer('mlp.up_proj', n, width, inner));
  return add(x1, layer('mlp.down_proj', h, inner, width));
}

/** What `visionFeatures` shows its probe. */
export function visionReference(
  scene: VisionScene,
): Record<'patch_embed' | 'block_0' | 'merger_windowed', Float64Array> {
  const { config, weight, patches, rows } = scene;
  const { hiddenSize: width, spatialMergeSize, outHiddenSize } = config;
  const inWidth = patches.length / rows;
  const embedded = linear(patches, weight('visual.patch_embed.proj.weight'), null, { rows, inWidth, outWidth: width });
  const y = block(scene, embedded);
  const unit = spatialMergeSize ** 2 * width;
  const cells = rows / spatialMergeSize ** 2;
  const n = rmsNorm(y, weight('visual.merger.ln_q.weight'), { rows, width }, config.rmsNormEps).y;
  const merger = (name: string, x: ArrayLike<number>, outWidth: number): Float64Array =>
    linear(x, weight(`visual.merger.${name}.weight`), weight(`visual.merger.${name}.bias`), {
      rows: cells,
      inWidth: unit,
      outWidth,
    });
  const merged = merger('mlp.2', gelu(merger('mlp.0', n, unit)), outHiddenSize);
  return { patch_embed: embedded, block_0: y, merger_windowed: merged };
}
