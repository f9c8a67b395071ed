// Attention over two key ranges per query row: a shared prefix and the row's own segment. No T x T buffer.

import { check } from '../base/errors';
import type { Kernel } from '../gpu/pipelines';
import type { Recorder } from '../gpu/recorder';
import { rowsAndWidth, type Tensor } from '../gpu/tensor';
import {
  FEW_ROWS,
  fewRows,
  hasTiles,
  keyTile,
  queryTile,
  TILE_KEYS,
  TILE_ROWS,
  tileStep,
  type AttentionShape,
} from './attentionTile';
import type { Columns } from './matmul';
import { rowParts } from './rowParts';
import forwardSource from '../../shaders/attention.wgsl?raw';
import forwardTileSource from '../../shaders/attention_tile.wgsl?raw';
import fewSource from '../../shaders/attention_few.wgsl?raw';
import backwardQSource from '../../shaders/attention_backward_q.wgsl?raw';
import backwardQTileSource from '../../shaders/attention_backward_q_tile.wgsl?raw';
import backwardKvSource from '../../shaders/attention_backward_kv.wgsl?raw';
import backwardKvTileSource from '../../shaders/attention_backward_kv_tile.wgsl?raw';

const FORWARD: Kernel = { name: 'attention.wgsl', source: forwardSource };
const FORWARD_TILE: Kernel = { name: 'attention_tile.wgsl', source: forwardTileSource };
const FORWARD_FEW: Kernel = { name: 'attention_few.wgsl', source: fewSource };
const BACKWARD_Q: Kernel = { name: 'attention_backward_q.wgsl', source: backwardQSource };
const BACKWARD_Q_TILE: Kernel = { name: 'attention_backward_q_tile.wgsl', source: backwardQTileSource };
const BACKWARD_KV: Kernel = { name: 'attention_backward_kv.wgsl', source: backwardKvSource };
const BACKWARD_KV_TILE: Kernel = { name: 'attention_backward_kv_tile.wgsl', source: backwardKvTileSource };

/** Query heads per invocation: neighbours of one key head share its loads, as far as registers allow. */
function headsTogether(shape: AttentionShape): number {
  const group = shape.heads / shape.kvHeads;
  for (const count of [4, 2]) {
    if (group % count === 0 && count * shape.headSize <= 64) return count;
  }
  return 1;
}

/** Tiles are for GPUs: on a CPU workgroup memory and barriers cost more than they save. */
function takesTiles(rec: Recorder, shape: AttentionShape): boolean {
  return rec.variant === 'gpu' && hasTiles(shape);
}

/** Query-key pairs that ranges (T, 4) let through: what attention's FLOPs go by. */
export function rangePairs(ranges: Uint32Array): number {
  let pairs = 0;
  for (let i = 0; i < ranges.length; i += 4) pairs += ranges[i + 1]! - ranges[i]! + ranges[i + 3]! - ranges[i + 2]!;
  return pairs;
}

const GROUP_ROWS = 16;

type Grid = [number, number];

/** Workgroups of 16 rows by 2 heads, for kernels without tiles. */
function grid(rows: number, heads: number): Grid {
  return [Math.ceil(rows / GROUP_ROWS), Math.ceil(heads / 2)];
}

/** Workgroups of a tile of (query row, head) rows of one key head. */
function rowTiles(rows: number, { heads, kvHeads }: AttentionShape): Grid {
  return [Math.ceil((rows * (heads / kvHeads)) / TILE_ROWS), kvHeads];
}

/** The forward kernel for an adapter and a shape, how rows may be cut for it, and its workgroups by rows. */
function forwardKernel(rec: Recorder, shape: AttentionShape & { rows: number }) {
  const { heads, headSize } = shape;
  if (!takesTiles(rec, shape)) {
    const together = headsTogether(shape);
    // Several keys at a time would overlap their loads; a software adapter gains nothing and compiles far longer.
    const spec = { D4: headSize / 4, HEADS: together, KEYS: 1 };
    return { kernel: FORWARD, spec, step: GROUP_ROWS, groups: (rows: number) => grid(rows, heads / together) };
  }
  if (shape.rows <= FEW_ROWS) {
    const spec = fewRows(shape);
    return { kernel: FORWARD_FEW, spec, step: 1, groups: (rows: number): Grid => [rows, heads / spec.HEADS] };
  }
  const [spec, step] = [queryTile(shape), tileStep(shape)];
  return { kernel: FORWARD_TILE, spec, step, groups: (rows: number) => rowTiles(rows, shape) };
}

function checkShape({ heads, kvHeads, headSize }: AttentionShape): void {
  check(heads % kvHeads === 0, 'attention.heads', `attention: ${heads} heads cannot share ${kvHeads} key heads evenly`);
  check(headSize % 4 === 0, 'attention.headSize', `attention: head size is ${headSize}, expected a multiple of 4`);
}

/**
 * o = softmax(scale q kᵀ) v over each row's ranges; also the log-sum-exp.
 * @param tensors q (Tq, H D) and k, v (Tk, K D) as columns of their buffers; ranges u32 (Tq, 4): prefix start and end,
 *   segment start and end, end exclusive; o f32 (Tq, H D); stats f32 (Tq, H, 2): [.., 0] receives the log-sum-exp
 * @param shape.pairs query-key pairs of the ranges (`rangePairs`), for the FLOPs
 */
export function attention(
  rec: Recorder,
  tensors: { q: Columns; k: Columns; v: Columns; ranges: Tensor; o: Tensor; stats: Tensor },
  shape: AttentionShape & { rows: number; pairs: number },
): void {
  checkShape(shape);
  const { q, k, v, ranges, o, stats } = tensors;
  check(k.stride === v.stride, 'attention.stride', `attention: k rows are ${k.stride} apart, v rows ${v.stride}`);
  const { kernel, spec, step, groups } = forwardKernel(rec, shape);
  const whole = 4 * shape.heads * shape.headSize * shape.pairs;
  for (const { first, count, flops } of rowParts(rec, shape.rows, whole, step)) {
    rec.dispatch(kernel, {
      spec,
      bindings: { q: q.data, k: k.data, v: v.data, ranges, o, stats },
      uniforms: {
        firstRow: first,
        rows: first + count,
        heads: shape.heads,
        kvHeads: shape.kvHeads,
        qStride4: q.stride / 4,
        qOffset4: q.offset / 4,
        kvStride4: k.stride / 4,
        kOffset4: k.offset / 4,
        vOffset4: v.offset / 4,
        scale: shape.headSize ** -0.5,
      },
      grid: groups(count),
      flops,
    });
  }
}

/**
 * Gradients of q, k and v for self-attention within one packed stream.
 * @param tensors qkv, dqkv f32 (T, (H + 2K) D); o, dO f32 (T, H D); ranges u32 (T, 4); queryEnd u32 (T): rows
 *   j .. queryEnd[j] - 1 see key j; stats f32 (T, H, 2) from the forward pass, [.., 1] receives delta
 * @param shape.pairs as `attention`
 */
export function attentionBackward(
  rec: Recorder,
  tensors: { qkv: Tensor; o: Tensor; dO: Tensor; ranges: Tensor; queryEnd: Tensor; stats: Tensor; dqkv: Tensor },
  shape: AttentionShape & { pairs: number },
): void {
  checkShape(shape);
  const { qkv, o, dO, ranges, queryEnd, stats, dqkv } = tensors;
  const [rows, stride] = rowsAndWidth('attentionBackward: qkv', qkv);
  const { pairs } = shape;
  const together = headsTogether({ ...shape, headSize: shape.headSize * 2 });
  const uniforms = {
    heads: shape.heads,
    kvHeads: shape.kvHeads,
    stride4: stride / 4,
    scale: shape.headSize ** -0.5,
  };
  const tiles = takesTiles(rec, shape);
  const perPair = shape.heads * shape.headSize;
  const rowStep = tiles ? tileStep(shape) : GROUP_ROWS;
  for (const { first, count, flops } of rowParts(rec, rows, 6 * perPair * pairs, rowStep)) {
    rec.dispatch(tiles ? BACKWARD_Q_TILE : BACKWARD_Q, {
      spec: tiles ? queryTile(shape) : { D4: shape.headSize / 4, HEADS: together },
      bindings: { qkv, o, dO, ranges, stats, dqkv },
      uniforms: { ...uniforms, firstRow: first, rows: first + count, keys: rows },
      grid: tiles ? rowTiles(count, shape) : grid(count, shape.heads / together),
      flops,
    });
  }
  // Without tiles, two key rows to an invocation, as far as registers allow.
  const keys = shape.headSize <= 32 ? 2 : 1;
  const keyStep = tiles ? TILE_KEYS : GROUP_ROWS * keys;
  for (const { first, count, flops } of rowParts(rec, rows, 8 * perPair * pairs, keyStep)) {
    rec.dispatch(tiles ? BACKWARD_KV_TILE : BACKWARD_KV, {
      spec: tiles ? keyTile(shape) : { D4: shape.headSize / 4, KEYS: keys },
      bindings: { qkv, dO, queryEnd, stats, dqkv },
      uniforms: { ...uniforms, firstRow: first, endRow: first + count, rows },
      grid: tiles ? [Math.ceil(count / TILE_KEYS), shape.kvHeads] : grid(Math.ceil(count / keys), shape.kvHeads),
      flops,
    });
  }
}
