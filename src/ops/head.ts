// The head over labelled rows only, in chunks of rows: logits exist for one chunk at a time.
// Pass A: log-probability of each label and entropy of each row. Pass B: recomputed logits become their gradient.

import type { Kernel } from '../gpu/pipelines';
import type { Recorder } from '../gpu/recorder';
import { elementCount, rowsAndWidth, type Tensor } from '../gpu/tensor';
import { recorded } from '../gpu/withScope';
import { allColumns, matmulNN, matmulNT, type FrozenMatrix } from './matmul';
import { rowLanes } from './rowLanes';
import statsSource from '../../shaders/head_stats.wgsl?raw';
import logProbSource from '../../shaders/head_log_prob.wgsl?raw';
import gradientSource from '../../shaders/head_gradient.wgsl?raw';

const STATS: Kernel = { name: 'head_stats.wgsl', source: statsSource };
const LOG_PROB: Kernel = { name: 'head_log_prob.wgsl', source: logProbSource };
const GRADIENT: Kernel = { name: 'head_gradient.wgsl', source: gradientSource };

/** Numbers of a row in `stats`: log Z, the entropy H, and the first id of the largest logit (as an f32). */
export const STATS_WIDTH = 3;

/** Labels sorted by row: label l belongs to gathered row `labels[l].row`, several labels may share a row. */
export interface HeadLabels {
  /** Gathered rows R. */
  rows: number;
  /** Labels L. */
  count: number;
  /** u32 (L, 2): row, target. */
  labels: Tensor;
  /** u32 (R + 1): the labels of row r are start[r] .. start[r + 1] - 1. */
  labelStart: Tensor;
  /** The same on the CPU. */
  labelStartHost: Uint32Array;
}

export interface HeadOptions {
  temperature: number;
  /** Bytes of logits that may exist at once. */
  chunkBytes: number;
}

/** Columns of a logits row: the vocabulary rounded up to a multiple of 4. */
export function logitsStride(vocabulary: number): number {
  return Math.ceil(vocabulary / 4) * 4;
}

interface Chunk {
  first: number;
  rows: number;
  /** Columns of a row of logits, padding included. */
  stride: number;
  logits: Tensor;
}

/** Computes the logits of one chunk of rows after another and hands each to `use`. */
function forEachChunk(
  rec: Recorder,
  hidden: Tensor,
  head: FrozenMatrix,
  chunkBytes: number,
  use: (chunk: Chunk) => void,
): void {
  const [total, width] = rowsAndWidth('head: hidden', hidden);
  const stride = logitsStride(head.rows);
  const most = Math.max(1, Math.floor(chunkBytes / (stride * 4)));
  for (let first = 0; first < total; first += most) {
    const rows = Math.min(most, total - first);
    recorded(rec, (scope) => {
      const logits = scope.tensor([rows, stride]);
      const x = { data: hidden, stride: width, offset: first * width };
      matmulNT(rec, { x, w: head, y: { data: logits, stride, offset: 0 } }, { m: rows });
      use({ first, rows, stride, logits });
    });
  }
}

function recordStats(rec: Recorder, chunk: Chunk, head: FrozenMatrix, stats: Tensor, inverseTemperature: number): void {
  const { spec, groups } = rowLanes(rec, chunk.rows);
  rec.dispatch(STATS, {
    spec,
    bindings: { logits: chunk.logits, stats },
    uniforms: {
      rows: chunk.rows,
      vocab: head.rows,
      stride: chunk.stride,
      rowOffset: chunk.first,
      inverseTemperature,
    },
    grid: [groups],
    flops: 10 * chunk.rows * head.rows,
  });
}

function recordLogProbs(
  rec: Recorder,
  chunk: Chunk,
  tensors: { stats: Tensor; logp: Tensor },
  labels: HeadLabels,
  inverseTemperature: number,
): void {
  const first = labels.labelStartHost[chunk.first]!;
  const count = labels.labelStartHost[chunk.first + chunk.rows]! - first;
  rec.dispatch(LOG_PROB, {
    bindings: { logits: chunk.logits, labels: labels.labels, ...tensors },
    uniforms: { first, count, stride: chunk.stride, rowOffset: chunk.first, inverseTemperature },
    grid: [Math.ceil(count / 64)],
    flops: 5 * count,
  });
}

/**
 * Pass A: logp of every label and (log Z, H, most likely id) of every row, of logits / temperature.
 * @param tensors hidden f32 (R, C) after the final norm; stats f32 (R, STATS_WIDTH) and logp f32 (L) are written
 */
export function headLogProbs(
  rec: Recorder,
  tensors: { hidden: Tensor; stats: Tensor; logp: Tensor },
  head: FrozenMatrix,
  labels: HeadLabels,
  { temperature, chunkBytes }: HeadOptions,
): void {
  forEachChunk(rec, tensors.hidden, head, chunkBytes, (chunk) => {
    recordStats(rec, chunk, head, tensors.stats, 1 / temperature);
    recordLogProbs(rec, chunk, { stats: tensors.stats, logp: tensors.logp }, labels, 1 / temperature);
  });
}

/**
 * Pass B: dHidden of sum_l c_l logp_l + sum_l e_l H(row of l).
 * With `logp` given, pass A is done on the same logits (coefficients known beforehand, as in SFT).
 * @param tensors hidden, dHidden f32 (R, C); stats f32 (R, STATS_WIDTH); coefficients f32 (L, 2) = c, e
 */
export function headBackward(
  rec: Recorder,
  tensors: { hidden: Tensor; stats: Tensor; coefficients: Tensor; dHidden: Tensor; logp?: Tensor },
  head: FrozenMatrix,
  labels: HeadLabels,
  { temperature, chunkBytes }: HeadOptions,
): void {
  const { hidden, stats, coefficients, dHidden, logp } = tensors;
  const inverseTemperature = 1 / temperature;
  const [, width] = rowsAndWidth('headBackward: hidden', hidden);
  forEachChunk(rec, hidden, head, chunkBytes, (chunk) => {
    if (logp) {
      recordStats(rec, chunk, head, stats, inverseTemperature);
      recordLogProbs(rec, chunk, { stats, logp }, labels, inverseTemperature);
    }
    const { spec, groups } = rowLanes(rec, chunk.rows);
    const { stride } = chunk;
    rec.dispatch(GRADIENT, {
      spec,
      bindings: { logits: chunk.logits, stats, labels: labels.labels, coefficients, labelStart: labels.labelStart },
      uniforms: { rows: chunk.rows, vocab: head.rows, stride, rowOffset: chunk.first, inverseTemperature },
      grid: [groups],
      flops: 10 * chunk.rows * head.rows,
    });
    matmulNN(
      rec,
      {
        x: { data: chunk.logits, stride, offset: 0 },
        w: head,
        y: { data: dHidden, stride: width, offset: chunk.first * width },
      },
      { m: chunk.rows },
    );
  });
}

/** Logits of all rows at once, for small uses (sampling, checks). hidden (R, C) -> logits (R, stride). */
export function headLogits(rec: Recorder, tensors: { hidden: Tensor; logits: Tensor }, head: FrozenMatrix): void {
  const [rows, width] = rowsAndWidth('headLogits: hidden', tensors.hidden);
  if (elementCount(tensors.logits.shape) === 0) return;
  matmulNT(
    rec,
    {
      x: { data: tensors.hidden, stride: width, offset: 0 },
      w: head,
      y: allColumns(tensors.logits),
    },
    { m: rows },
  );
}
