// One decoder layer: x1 = x + o(attention(norm(x))), y = x1 + down(swiglu(norm(x1))); forward and hand-written backward.

import type { Scope } from '../gpu/recorder';
import { rowsAndWidth, type Tensor } from '../gpu/tensor';
import { recorded } from '../gpu/withScope';
import { swiglu, swigluBackward } from '../ops/activations';
import { attention, attentionBackward } from '../ops/attention';
import type { FrozenMatrix } from '../ops/matmul';
import { rmsNorm, rmsNormBackward } from '../ops/rmsNorm';
import { rope } from '../ops/rope';
import { scatterRows } from '../ops/rows';
import { factorsOf, linearBackward, linearForward, type LinearContext, type LinearSaved } from './adaptedLinear';
import type { ModelConfig } from './config';

export interface BlockWeights {
  layer: number;
  inputNorm: Tensor;
  /** q, k, v stacked: ((H + 2K) D, C). */
  qkv: FrozenMatrix;
  qkvBias: Tensor;
  o: FrozenMatrix;
  postNorm: Tensor;
  /** gate, up stacked: (2I, C). */
  gateUp: FrozenMatrix;
  down: FrozenMatrix;
}

/** The GPU side of a packed stream: what a layer needs besides the hidden rows. */
export interface Stream {
  tokens: number;
  /** Query-key pairs that attention computes. */
  pairs: number;
  /** f32 (rows, D) and u32 (T). */
  table: Tensor;
  tableRow: Tensor;
  /** u32 (T, 4) */
  ranges: Tensor;
  /** u32 (T), for backward. */
  queryEnd?: Tensor;
}

/** A layer's cache: keys and values of all sequences, (rows, 2 K D), and the row each stream token is written to. */
export interface LayerCache {
  kv: Tensor;
  row: Tensor;
  /** Read keys from the cache (decode) or from the stream itself (prefill). */
  attend: 'cache' | 'stream';
}

export interface BlockContext extends LinearContext {
  config: ModelConfig;
  stream: Stream;
  cache?: LayerCache;
}

/** Everything that backward reads. */
export interface BlockSaved {
  x: Tensor;
  rstd1: Tensor;
  qkv: Tensor;
  qkvLora: LinearSaved;
  o: Tensor;
  stats: Tensor;
  oLora: LinearSaved;
  x1: Tensor;
  rstd2: Tensor;
  gu: Tensor;
  gateUpLora: LinearSaved;
  downLora: LinearSaved;
}

function attend(context: BlockContext, keep: Scope, qkv: Tensor): { o: Tensor; stats: Tensor } {
  const { rec, config, stream, cache } = context;
  const { heads, kvHeads, headSize } = config;
  const qWidth = heads * headSize;
  const kvWidth = kvHeads * headSize;
  const [, stride] = rowsAndWidth('attend: qkv', qkv);
  const columns = (offset: number) => ({ data: qkv, stride, offset });
  if (cache) {
    scatterRows(
      rec,
      { x: columns(qWidth), row: cache.row, y: { data: cache.kv, stride: 2 * kvWidth, offset: 0 } },
      { rows: stream.tokens, width: 2 * kvWidth },
    );
  }
  const fromCache = cache?.attend === 'cache';
  const k = fromCache ? { data: cache.kv, stride: 2 * kvWidth, offset: 0 } : columns(qWidth);
  const v = fromCache ? { data: cache.kv, stride: 2 * kvWidth, offset: kvWidth } : columns(qWidth + kvWidth);
  const o = keep.tensor([stream.tokens, qWidth]);
  const stats = keep.tensor([stream.tokens, heads, 2]);
  attention(
    rec,
    { q: columns(0), k, v, ranges: stream.ranges, o, stats },
    { heads, kvHeads, headSize, rows: stream.tokens, pairs: stream.pairs },
  );
  return { o, stats };
}

/**
 * @param x f32 (T, C) @param y f32 (T, C), written @param keep holds intermediates and what is saved
 */
export function blockForward(
  context: BlockContext,
  weights: BlockWeights,
  x: Tensor,
  y: Tensor,
  keep: Scope,
): BlockSaved {
  const { rec, config, stream, adapter } = context;
  const { tokens } = stream;
  const eps = config.rmsNormEps;
  const factors = (...modules: string[]) => factorsOf(adapter, weights.layer, modules);

  const n1 = keep.tensor(x.shape);
  const rstd1 = keep.tensor([tokens]);
  rmsNorm(rec, { x, weight: weights.inputNorm, y: n1, rstd: rstd1 }, { eps });
  const qkv = keep.tensor([tokens, weights.qkv.rows]);
  const qkvLora = linearForward(
    context,
    { x: n1, w: weights.qkv, y: qkv, bias: weights.qkvBias },
    factors('q_proj', 'k_proj', 'v_proj'),
    keep,
  );
  rope(
    rec,
    { x: qkv, table: stream.table, tableRow: stream.tableRow },
    { heads: config.heads + config.kvHeads, headSize: config.headSize, direction: 1 },
  );
  const { o, stats } = attend(context, keep, qkv);
  const x1 = keep.tensor(x.shape);
  const oLora = linearForward(context, { x: o, w: weights.o, y: x1, addend: x }, factors('o_proj'), keep);

  const n2 = keep.tensor(x.shape);
  const rstd2 = keep.tensor([tokens]);
  rmsNorm(rec, { x: x1, weight: weights.postNorm, y: n2, rstd: rstd2 }, { eps });
  const gu = keep.tensor([tokens, weights.gateUp.rows]);
  const gateUpLora = linearForward(context, { x: n2, w: weights.gateUp, y: gu }, factors('gate_proj', 'up_proj'), keep);
  const h = keep.tensor([tokens, config.intermediateSize]);
  swiglu(rec, { gu, h });
  const downLora = linearForward(context, { x: h, w: weights.down, y, addend: x1 }, factors('down_proj'), keep);
  return { x, rstd1, qkv, qkvLora, o, stats, oLora, x1, rstd2, gu, gateUpLora, downLora };
}

/**
 * Turns dy into dx in place, and adds the layer's adapter gradients.
 * @param dy f32 (T, C): the gradient of the layer's output; becomes that of its input
 * @param needInput false leaves dx unfinished: nothing below is trained
 */
export function blockBackward(
  context: BlockContext,
  weights: BlockWeights,
  dy: Tensor,
  saved: BlockSaved,
  needInput: boolean,
): void {
  recorded(context.rec, (scope) => recordBackward(context, weights, dy, saved, needInput, scope));
}

function recordBackward(
  context: BlockContext,
  weights: BlockWeights,
  dy: Tensor,
  saved: BlockSaved,
  needInput: boolean,
  scope: Scope,
): void {
  const { rec, config, stream } = context;
  const { tokens, queryEnd } = stream;
  if (!queryEnd) throw new Error('blockBackward: the stream was packed without queryEnd');

  const dh = scope.tensor([tokens, config.intermediateSize]);
  linearBackward(context, { dy, w: weights.down, dx: dh }, saved.downLora);
  swigluBackward(rec, { dh, gu: saved.gu });
  const dn = scope.tensor(dy.shape);
  linearBackward(context, { dy: saved.gu, w: weights.gateUp, dx: dn }, saved.gateUpLora);
  rmsNormBackward(
    rec,
    { dy: dn, x: saved.x1, weight: weights.postNorm, rstd: saved.rstd2, dx: dy },
    { mode: 'accumulate' },
  );

  const dO = scope.tensor(saved.o.shape);
  linearBackward(context, { dy, w: weights.o, dx: dO }, saved.oLora);
  const dqkv = scope.tensor(saved.qkv.shape);
  attentionBackward(
    rec,
    { qkv: saved.qkv, o: saved.o, dO, ranges: stream.ranges, queryEnd, stats: saved.stats, dqkv },
    { ...config, pairs: stream.pairs },
  );
  rope(
    rec,
    { x: dqkv, table: stream.table, tableRow: stream.tableRow },
    { heads: config.heads + config.kvHeads, headSize: config.headSize, direction: -1 },
  );
  linearBackward(context, { dy: dqkv, w: weights.qkv, dx: needInput ? dn : undefined }, saved.qkvLora);
  if (needInput) {
    rmsNormBackward(
      rec,
      { dy: dn, x: saved.x, weight: weights.inputNorm, rstd: saved.rstd1, dx: dy },
      { mode: 'accumulate' },
    );
  }
}
