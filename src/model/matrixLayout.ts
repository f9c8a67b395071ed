// What a matrix of the checkpoint becomes on the GPU, known from the files' headers alone: its type, its parts and the
// bytes of their buffers.

import { check } from '../base/errors';
import { NF4_BLOCK } from '../formats/nf4';
import type { WeightFiles } from '../formats/weightFiles';
import type { Gpu } from '../gpu/gpu';
import type { Tensor } from '../gpu/tensor';
import type { MatrixPart, WeightStorage } from '../ops/matmul';
import { storageOf, STORAGE_BITS, type StorageOptions } from './baseStorage';
import { planParts, type PartPlan } from './matrixParts';

/** Stacked tensors: [rows_i, columns] each, dimensions beyond the first flattened into columns. */
export interface MatrixRequest {
  tensors: readonly { name: string; rows: number }[];
  columns: number;
  /** Quantized when linears are. */
  linear: boolean;
}

export interface MatrixLayout {
  /** Of all tensors. */
  rows: number;
  columns: number;
  storage: WeightStorage;
  plans: PartPlan[];
}

/**
 * Checks a tensor's size by its header.
 * @param elements what config.json asks for @throws weights.tensorMissing, weights.shape
 */
export function checkSize(weights: WeightFiles, name: string, elements: number): void {
  const shape = weights.shape(name);
  check(
    shape.reduce((product, size) => product * size, 1) === elements,
    'weights.shape',
    `tensor ${name} is (${shape.join(', ')}), config.json asks for ${elements} elements`,
    'Use config.json and weights of the same checkpoint.',
  );
}

/** @throws weights.tensorMissing, weights.shape, gpu.bufferTooLarge */
export function layMatrix(
  weights: WeightFiles,
  { tensors, columns, linear }: MatrixRequest,
  options: { storage: StorageOptions; limitBytes: number },
): MatrixLayout {
  for (const { name, rows } of tensors) checkSize(weights, name, rows * columns);
  const rows = tensors.map((tensor) => tensor.rows);
  const dtypes = tensors.map(({ name }) => weights.dtype(name));
  const storage = storageOf(options.storage, dtypes, linear);
  const plans = planParts(tensors[0]!.name, { rows, columns, storage }, options.limitBytes);
  return { rows: rows.reduce((a, b) => a + b, 0), columns, storage, plans };
}

/** Words of a part's buffers: its elements and, for nf4, the scales of whole blocks. */
export function partWords({ columns, storage }: MatrixLayout, { rows }: PartPlan): number[] {
  const elements = rows * columns;
  if (storage !== 'nf4') return [Math.ceil((elements * STORAGE_BITS[storage]) / 32)];
  const blocks = Math.ceil(elements / NF4_BLOCK);
  return [(blocks * NF4_BLOCK * STORAGE_BITS.nf4) / 32, blocks];
}

/** Buffers of a part, still empty. @param words of its elements and, for nf4, of its scales @throws gpu.bufferTooLarge */
export function allocatePart(
  gpu: Gpu,
  { firstRow, rows }: Pick<MatrixPart, 'firstRow' | 'rows'>,
  [words, blocks]: readonly number[],
): MatrixPart {
  const part = { firstRow, rows, data: gpu.persistent([words!]) };
  return blocks === undefined ? part : { ...part, scales: gpu.persistent([blocks]) };
}

/** Buffers of all parts, still empty. @throws gpu.bufferTooLarge */
export function allocateParts(gpu: Gpu, layout: MatrixLayout): MatrixPart[] {
  return layout.plans.map((plan) => allocatePart(gpu, plan, partWords(layout, plan)));
}

/** All buffers of a matrix: of each part its elements, then its scales. */
export function buffersOf(parts: readonly MatrixPart[]): Tensor[] {
  return parts.flatMap(({ data, scales }) => (scales ? [data, scales] : [data]));
}
