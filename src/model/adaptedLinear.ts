// A frozen linear with the LoRA factors that act on its output columns, forward and backward.

import { dropout } from '../ops/dropout';
import { allColumns, matmulNN, matmulNT, matmulTNAccumulate, type FrozenMatrix } from '../ops/matmul';
import type { Recorder, Scope } from '../gpu/recorder';
import { rowsAndWidth, type Tensor } from '../gpu/tensor';
import { recorded } from '../gpu/withScope';
import { streamKey, STREAM } from '../base/random';
import { TARGET_MODULES } from '../base/targetModules';
import { matrixA, matrixB, type LoraAdapter, type LoraFactor } from './lora';

/** LoRA dropout of one forward pass; the mask is a function of these and the token's place alone. */
export interface DropoutState {
  p: number;
  seed: number;
  step: number;
  microBatch: number;
  /** u32 (T, 2): example, index in example. */
  place: Tensor;
}

export interface LinearContext {
  rec: Recorder;
  adapter?: LoraAdapter;
  dropout?: DropoutState;
}

/** Per factor: what backward needs again. `input` is x after dropout. */
export interface LinearSaved {
  factors: { factor: LoraFactor; input: Tensor; xa: Tensor }[];
}

/** Factors of the given layer whose module is in the stack. */
export function factorsOf(adapter: LoraAdapter | undefined, layer: number, modules: readonly string[]): LoraFactor[] {
  return adapter?.factors.filter((f) => f.layer === layer && modules.includes(f.module)) ?? [];
}

function dropoutOptions(state: DropoutState, factor: LoraFactor) {
  const key = streamKey(
    state.seed,
    STREAM.dropout,
    state.step,
    state.microBatch,
    factor.layer,
    TARGET_MODULES.indexOf(factor.module),
  );
  return { p: state.p, key };
}

/**
 * y = x Wᵀ + bias (+ addend) + sum of scale B A dropout(x) on each factor's columns.
 * @param tensors x f32 (T, in), y f32 (T, out of the stack), addend f32 (T, out)
 * @param keep where the saved tensors live
 */
export function linearForward(
  { rec, adapter, dropout: state }: LinearContext,
  tensors: { x: Tensor; w: FrozenMatrix; y: Tensor; bias?: Tensor; addend?: Tensor },
  factors: readonly LoraFactor[],
  keep: Scope,
): LinearSaved {
  const { x, w, y, bias, addend } = tensors;
  const [m] = rowsAndWidth('linearForward: x', x);
  matmulNT(rec, { x: allColumns(x), w, y: allColumns(y), bias }, { m, add: addend });
  const saved: LinearSaved = { factors: [] };
  if (!adapter) return saved;
  for (const factor of factors) {
    let input = x;
    if (state && state.p > 0) {
      input = keep.tensor(x.shape);
      dropout(rec, { x, place: state.place, y: input }, dropoutOptions(state, factor));
    }
    const xa = keep.tensor([m, adapter.rPadded]);
    matmulNT(rec, { x: allColumns(input), w: matrixA(adapter, factor), y: allColumns(xa) }, { m });
    const columns = { ...allColumns(y), offset: factor.column };
    matmulNT(
      rec,
      { x: allColumns(xa), w: matrixB(adapter, factor), y: columns },
      { m, scale: adapter.scale, add: 'y' },
    );
    saved.factors.push({ factor, input, xa });
  }
  return saved;
}

/** One factor's part of `linearBackward`. */
function factorBackward(
  { rec, adapter, dropout: state }: LinearContext & { adapter: LoraAdapter },
  { dy, dx }: { dy: Tensor; dx?: Tensor },
  { factor, input, xa }: LinearSaved['factors'][number],
  scope: Scope,
): void {
  const [m, stride] = rowsAndWidth('linearBackward: dy', dy);
  const columns = { data: dy, stride, offset: factor.column };
  const dxa = scope.tensor([m, adapter.rPadded]);
  matmulNN(rec, { x: columns, w: matrixB(adapter, factor), y: allColumns(dxa) }, { m, scale: adapter.scale });
  matmulTNAccumulate(
    rec,
    { p: columns, q: allColumns(xa), g: adapter.gradient },
    { tokens: m, i: factor.out, j: adapter.rPadded, gOffset: factor.bOffset, scale: adapter.scale },
  );
  matmulTNAccumulate(
    rec,
    { p: allColumns(dxa), q: allColumns(input), g: adapter.gradient },
    { tokens: m, i: adapter.rPadded, j: factor.in, gOffset: factor.aOffset },
  );
  if (dx && state && state.p > 0) {
    const dInput = scope.tensor(dx.shape);
    matmulNN(rec, { x: allColumns(dxa), w: matrixA(adapter, factor), y: allColumns(dInput) }, { m });
    dropout(rec, { x: dInput, place: state.place, y: dx }, { ...dropoutOptions(state, factor), accumulate: true });
  } else if (dx) {
    matmulNN(rec, { x: allColumns(dxa), w: matrixA(adapter, factor), y: allColumns(dx) }, { m, accumulate: true });
  }
}

/**
 * dx = dy W + sum of dropout(scale dy B A); dA and dB are added to the adapter's gradient.
 * @param tensors dy f32 (T, out of the stack); dx f32 (T, in) is written, or left out when nobody needs it
 */
export function linearBackward(
  context: LinearContext,
  tensors: { dy: Tensor; w: FrozenMatrix; dx?: Tensor },
  saved: LinearSaved,
): void {
  const { rec, adapter } = context;
  const { dy, w, dx } = tensors;
  const [m] = rowsAndWidth('linearBackward: dy', dy);
  if (dx) matmulNN(rec, { x: allColumns(dy), w, y: allColumns(dx) }, { m });
  if (!adapter) return;
  for (const own of saved.factors) {
    recorded(rec, (scope) => factorBackward({ ...context, adapter }, tensors, own, scope));
  }
}
