// Arrays of the image group that the folder stores whole or as every N-th element, with a hash of the whole.

import { sha256Hex } from '../../base/bytes';
import { check } from '../../base/errors';
import { compareExact, compareTensor } from '../../reference/compare';
import type { CheckResult, ReferenceTensor, TensorTolerance } from '../../reference/types';

export interface StoredArray {
  tensor: string;
  shape: number[];
  dtype: string;
  /** "full", or "flat[::N]": every N-th element of the flattened array. */
  stored: string;
  /** Of the whole array's little-endian bytes. */
  sha256: string;
}

export type Tensors = Map<string, ReferenceTensor>;

function strideOf(array: StoredArray): number {
  if (array.stored === 'full') return 1;
  const stride = Number(/^flat\[::(\d+)\]$/.exec(array.stored)?.[1]);
  check(stride > 0, 'reference.format', `${array.tensor}: stored ${JSON.stringify(array.stored)} is not understood`);
  return stride;
}

function elementsOf(tensors: Tensors, array: StoredArray): ReferenceTensor['data'] {
  const tensor = tensors.get(array.tensor);
  check(tensor, 'reference.missing', `tensor ${array.tensor} is not in the safetensors file`);
  return tensor.data;
}

/** The whole array when the folder has it. */
export function wholeArray(tensors: Tensors, array: StoredArray): Uint8Array | undefined {
  const data = strideOf(array) === 1 ? elementsOf(tensors, array) : undefined;
  return data instanceof Uint8Array ? data : undefined;
}

function everyNth<T extends Uint8Array | Float32Array>(values: T, stride: number): ArrayLike<number> {
  if (stride === 1) return values;
  return Array.from({ length: Math.ceil(values.length / stride) }, (_, i) => values[i * stride]!);
}

/** Every byte must be equal: by the hash, and if that differs the stored elements say where. */
export async function compareBytes(
  name: string,
  got: Uint8Array,
  want: StoredArray,
  tensors: Tensors,
): Promise<CheckResult> {
  const size = want.shape.reduce((a, b) => a * b, 1);
  if (got.length !== size) return { name, pass: false, detail: `has ${got.length} bytes, expected ${size}` };
  if ((await sha256Hex(got as Uint8Array<ArrayBuffer>)) === want.sha256)
    return { name, pass: true, worst: 0, limit: 0 };
  const found = compareExact(name, everyNth(got, strideOf(want)), elementsOf(tensors, want));
  return found.pass ? { name, pass: false, detail: 'sha256 differs; the stored elements agree' } : found;
}

/** The stored elements must agree within the tolerance. */
export function compareValues(
  name: string,
  got: Uint8Array | Float32Array,
  want: StoredArray,
  tensors: Tensors,
  tolerance: TensorTolerance,
): CheckResult {
  const size = want.shape.reduce((a, b) => a * b, 1);
  if (got.length !== size) return { name, pass: false, detail: `has ${got.length} elements, expected ${size}` };
  const stride = strideOf(want);
  const elements = elementsOf(tensors, want);
  const shape = stride === 1 ? want.shape : [elements.length];
  return compareTensor(name, everyNth(got, stride), elements, shape, tolerance);
}
