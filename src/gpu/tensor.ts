// A tensor is a named view: a buffer and a shape. It owns nothing; whoever took the buffer gives it back.

import { check } from '../base/errors';

export type DType = 'f32' | 'u32' | 'i32';

export interface Tensor {
  buffer: GPUBuffer;
  /** Row-major. */
  shape: readonly number[];
  dtype: DType;
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

/** @throws tensor.shape with the operation's name, the expected and the found shape */
export function expectShape(operation: string, name: string, tensor: Tensor, shape: readonly number[]): void {
  const same = tensor.shape.length === shape.length && shape.every((size, i) => tensor.shape[i] === size);
  check(same, 'tensor.shape', `${operation}: ${name} is (${tensor.shape.join(', ')}), expected (${shape.join(', ')})`);
}
