// A tensor is a named view: a buffer and a shape. It owns nothing; whoever took the buffer gives it back.

import { check } from '../base/errors';

export type DType = 'f32' | 'u32' | 'i32';

export interface Tensor {
  buffer: GPUBuffer;
  /** Row-major. */
  shape: readonly number[];
  dtype: DType;
}

/** A list of `V`, one for each of the tensors `T`. */
export type PerTensor<T extends readonly Tensor[], V> = { -readonly [K in keyof T]: V };

/** Maps tensors in order; the result is a tuple as long as `tensors`, so that it can be taken apart by name. */
export function perTensor<T extends readonly Tensor[], V>(
  tensors: T,
  make: (tensor: Tensor, index: number) => V,
): PerTensor<T, V>;
export function perTensor<V>(tensors: readonly Tensor[], make: (tensor: Tensor, index: number) => V): V[] {
  return tensors.map(make);
}

/** Product of the sizes. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/**
 * A view of the same buffer under another shape with no more elements (a leading part).
 * @throws tensor.shape when it does not fit
 */
export function viewAs(tensor: Tensor, shape: readonly number[]): Tensor {
  check(
    elementCount(shape) * 4 <= tensor.buffer.size,
    'tensor.shape',
    `view: shape (${shape.join(', ')}) does not fit in a buffer of ${tensor.buffer.size} bytes`,
  );
  return { buffer: tensor.buffer, shape, dtype: tensor.dtype };
}

/**
 * The two sizes of a tensor of rows.
 * @param what operation and tensor, e.g. `rope: x`, for the error
 * @throws tensor.shape with the found shape
 */
export function rowsAndWidth(what: string, { shape }: Pick<Tensor, 'shape'>): [rows: number, width: number] {
  const [rows, width] = shape;
  const two = shape.length === 2 && rows !== undefined && width !== undefined;
  check(two, 'tensor.shape', `${what} is (${shape.join(', ')}), expected rows and width`);
  return [rows, width];
}

/** @throws tensor.shape with the operation's name, the expected and the found shape */
export function expectShape(operation: string, name: string, tensor: Tensor, shape: readonly number[]): void {
  const same = tensor.shape.length === shape.length && shape.every((size, i) => tensor.shape[i] === size);
  check(same, 'tensor.shape', `${operation}: ${name} is (${tensor.shape.join(', ')}), expected (${shape.join(', ')})`);
}
