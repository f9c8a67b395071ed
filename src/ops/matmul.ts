// Products with frozen matrices and small trainable factors. The storage type picks the decode function, the
// adapter class picks the kernel; callers see neither.

import { check } from '../base/errors';
import type { Recorder } from '../gpu/recorder';
import { rowsAndWidth, type Tensor } from '../gpu/tensor';
import { nnKernel, ntKernel, tnKernel, type ProductKernel, type ProductShape } from './productKernels';
import { rowParts } from './rowParts';

/** How a matrix's numbers are kept; `nf4` in blocks of 64 with one scale each. */
export type WeightStorage = 'f32' | 'bf16' | 'f16' | 'nf4';

/** Whole rows of a frozen matrix that lie in one buffer. */
export interface MatrixPart {
  /** Place of its first row within the matrix, a multiple of 4. */
  firstRow: number;
  rows: number;
  data: Tensor;
  /** First element within `data`, a multiple of 4; of 64 for nf4. */
  offset?: number;
  /** nf4: f32, the scale of each 64 elements of `data`. */
  scales?: Tensor;
}

/**
 * A matrix [rows N, columns K] as in the checkpoint; K is a multiple of 4. What one binding holds is one part; a larger
 * matrix is cut between rows.
 */
export interface FrozenMatrix {
  rows: number;
  columns: number;
  storage: WeightStorage;
  /** In the order of rows, without gaps. */
  parts: readonly MatrixPart[];
}

/** A matrix that lies in one buffer, `offset` elements from its start. */
export function wholeMatrix(
  shape: { rows: number; columns: number; storage: WeightStorage },
  data: Tensor,
  offset = 0,
): FrozenMatrix {
  const { rows, columns, storage } = shape;
  return { rows, columns, storage, parts: [{ firstRow: 0, rows, data, offset }] };
}

/** Columns `offset .. offset + width - 1` of a row-major buffer whose rows are `stride` apart (in elements). */
export interface Columns {
  data: Tensor;
  stride: number;
  offset: number;
}

/** All columns of a [rows, width] tensor. */
export function allColumns(data: Tensor): Columns {
  return { data, stride: rowsAndWidth('matmul: columns', data)[1], offset: 0 };
}

const DECODE = 'lib/decode_f32.wgsl';
const SHARE = 'lib/share_none.wgsl';
const TILE_WEIGHT = 'lib/tile_weight.wgsl';

/** The library that decodes a storage type, in place of f32's. */
export function decodeImports(storage: WeightStorage): Record<string, string> {
  return storage === 'f32' ? {} : { [DECODE]: `lib/decode_${storage}.wgsl` };
}

function imports(rec: Recorder, storage: WeightStorage): Record<string, string> {
  return {
    ...decodeImports(storage),
    ...(rec.variant === 'software' && rec.quads ? { [SHARE]: 'lib/share_quad.wgsl' } : {}),
    ...(rec.variant === 'gpu' && storage === 'nf4' ? { [TILE_WEIGHT]: 'lib/tile_weight_nf4.wgsl' } : {}),
  };
}

/** The buffers that the decode function of a storage type reads, by the shaders' names. */
export function weightBindings({ data, scales }: MatrixPart): Record<string, Tensor> {
  return scales ? { w: data, scales } : { w: data };
}

/** Dispatches of a product: one, or as many, each for some of its rows, as the budget asks for. */
function productParts(rec: Recorder, { m, columns, inner }: ProductShape, { rows, columns: width }: ProductKernel) {
  const columnGroups = Math.ceil(columns / width);
  return rowParts(rec, m, 2 * m * columns * inner, rows).map(({ first, count, flops }) => {
    const grid: [number, number] = [columnGroups, Math.ceil(count / rows)];
    return { first, count, dispatch: { grid, flops } };
  });
}

function quarter(operation: string, name: string, value: number): number {
  check(value % 4 === 0, 'tensor.alignment', `${operation}: ${name} is ${value}, expected a multiple of 4`);
  return value / 4;
}

export interface MatmulOptions {
  /** Rows of x and y. */
  m: number;
  /** Factor on the product; 1 by default. */
  scale?: number;
}

/**
 * y = scale x Wᵀ (+ bias) (+ y, or + addend). x (m, K), W (N, K), y (m, N), all f32 but W.
 * Where N is not a multiple of 4, the columns of y up to the next one may be written too, and nothing can be added.
 * @param add `'y'` accumulates; a tensor (m, N), dense, is added (a residual)
 */
export function matmulNT(
  rec: Recorder,
  tensors: { x: Columns; w: FrozenMatrix; y: Columns; bias?: Tensor },
  options: MatmulOptions & { add?: 'y' | Tensor },
): void {
  const { x, w, y, bias } = tensors;
  const { m, scale = 1, add } = options;
  const addend = typeof add === 'object' ? add : undefined;
  const k4 = quarter('matmulNT', 'K', w.columns);
  const xStride4 = quarter('matmulNT', 'x stride', x.stride);
  const yStride4 = quarter('matmulNT', 'y stride', y.stride);
  const addendStride4 = add || bias ? quarter('matmulNT', 'N', w.rows) : 0;
  const xOffset4 = quarter('matmulNT', 'x offset', x.offset);
  const yOffset4 = quarter('matmulNT', 'y offset', y.offset);
  // By the whole matrix: its parts give the bits that it would.
  const byEights = [w.columns, ...w.parts.map(({ offset = 0 }) => offset)].every((count) => count % 8 === 0);
  const chosen = ntKernel(rec, { m, columns: w.rows, inner: w.columns }, byEights);
  for (const part of w.parts) {
    const firstColumn4 = quarter('matmulNT', 'first row of a part of W', part.firstRow);
    const shape = { m, columns: part.rows, inner: w.columns };
    for (const { first, count, dispatch } of productParts(rec, shape, chosen)) {
      rec.dispatch(chosen.kernel, {
        ...dispatch,
        spec: { ...chosen.spec, ADD: add === 'y' ? 1 : addend ? 2 : 0, BIAS: bias !== undefined },
        imports: imports(rec, w.storage),
        bindings: { x: x.data, ...weightBindings(part), bias: bias ?? x.data, addend: addend ?? x.data, y: y.data },
        uniforms: {
          m: count,
          n: part.rows,
          k4,
          xStride4,
          xOffset4: xOffset4 + first * xStride4,
          wOffset4: quarter('matmulNT', 'W offset', part.offset ?? 0),
          yStride4,
          yOffset4: yOffset4 + first * yStride4 + firstColumn4,
          addendStride4,
          addendOffset4: first * addendStride4 + firstColumn4,
          firstColumn4,
          scale,
        },
      });
    }
  }
}

/**
 * y = scale x W (+ y). x (m, N), W (N, K), y (m, K). Where N is not a multiple of 4, x holds zeros up to the next one.
 * The parts of W are added one after the other.
 */
export function matmulNN(
  rec: Recorder,
  tensors: { x: Columns; w: FrozenMatrix; y: Columns },
  options: MatmulOptions & { accumulate?: boolean },
): void {
  const { x, w, y } = tensors;
  const { m, scale = 1, accumulate = false } = options;
  const xStride4 = quarter('matmulNN', 'x stride', x.stride);
  const yStride4 = quarter('matmulNN', 'y stride', y.stride);
  const yOffset4 = quarter('matmulNN', 'y offset', y.offset);
  for (const part of w.parts) {
    const xOffset4 = quarter('matmulNN', 'x offset', x.offset + part.firstRow);
    const shape = { m, columns: w.columns, inner: part.rows };
    const chosen = nnKernel(rec, shape);
    for (const { first, count, dispatch } of productParts(rec, shape, chosen)) {
      rec.dispatch(chosen.kernel, {
        ...dispatch,
        spec: { ...chosen.spec, ADD: accumulate || part.firstRow > 0 ? 1 : 0 },
        imports: imports(rec, w.storage),
        bindings: { x: x.data, ...weightBindings(part), y: y.data },
        uniforms: {
          m: count,
          n: part.rows,
          k4: quarter('matmulNN', 'K', w.columns),
          xStride4,
          xOffset4: xOffset4 + first * xStride4,
          wOffset4: quarter('matmulNN', 'W offset', part.offset ?? 0),
          yStride4,
          yOffset4: yOffset4 + first * yStride4,
          scale,
        },
      });
    }
  }
}

/**
 * g += scale pᵀ q over `tokens` rows: p (tokens, I), q (tokens, J), g (I, J) dense at `gOffset` of a flat buffer.
 */
export function matmulTNAccumulate(
  rec: Recorder,
  tensors: { p: Columns; q: Columns; g: Tensor },
  options: { tokens: number; i: number; j: number; gOffset: number; scale?: number },
): void {
  const { p, q, g } = tensors;
  quarter('matmulTN', 'I', options.i);
  const j4 = quarter('matmulTN', 'J', options.j);
  const pOffset4 = quarter('matmulTN', 'p offset', p.offset);
  const gOffset4 = quarter('matmulTN', 'g offset', options.gOffset);
  const whole = 2 * options.tokens * options.i * options.j;
  const { kernel, rows, columns, spec } = tnKernel(rec, options.i, options.j);
  // Rows of g are columns of p.
  for (const { first, count, flops } of rowParts(rec, options.i, whole, rows)) {
    rec.dispatch(kernel, {
      spec,
      bindings: { p: p.data, q: q.data, g },
      uniforms: {
        tokens: options.tokens,
        i4: count / 4,
        j4,
        pStride4: quarter('matmulTN', 'p stride', p.stride),
        pOffset4: pOffset4 + first / 4,
        qStride4: quarter('matmulTN', 'q stride', q.stride),
        qOffset4: quarter('matmulTN', 'q offset', q.offset),
        gOffset4: gOffset4 + first * j4,
        scale: options.scale ?? 1,
      },
      grid: [Math.ceil(options.j / columns), Math.ceil(count / rows)],
      flops,
    });
  }
}
