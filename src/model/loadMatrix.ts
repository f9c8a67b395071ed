// Checkpoint tensors to GPU buffers. Matrices that share an input are stacked by rows, so that one product serves them.

import { bytesOf } from '../base/bytes';
import { check } from '../base/errors';
import { widenToF32, type SafeTensor } from '../formats/safetensors';
import type { WeightFiles } from '../formats/weightFiles';
import type { Gpu } from '../gpu/gpu';
import type { Tensor } from '../gpu/tensor';
import type { FrozenMatrix, WeightStorage } from '../ops/matmul';

const STORED: Record<string, WeightStorage> = { F32: 'f32', BF16: 'bf16', F16: 'f16' };

/** How matrices are kept: as in the file, or widened to f32 (faster where a CPU plays the GPU) if one buffer holds that. */
export type StoragePolicy = 'stored' | 'f32';

export function defaultStorage(gpu: Gpu): StoragePolicy {
  return gpu.rec.variant === 'software' ? 'f32' : 'stored';
}

function joinBytes(parts: Uint8Array[]): Uint32Array {
  const out = new Uint8Array(Math.ceil(parts.reduce((sum, part) => sum + part.length, 0) / 4) * 4);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return new Uint32Array(out.buffer);
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

async function readChecked(weights: WeightFiles, name: string, elements: number): Promise<SafeTensor> {
  checkSize(weights, name, elements);
  return weights.read(name);
}

/**
 * Stacks [rows_i, columns] tensors into one frozen matrix; dimensions beyond the first are flattened into columns.
 * @param parts names with their row counts
 * @throws weights.tensorMissing, weights.shape, gpu.bufferTooLarge
 */
export async function loadMatrix(
  gpu: Gpu,
  weights: WeightFiles,
  parts: { name: string; rows: number }[],
  columns: number,
  policy: StoragePolicy,
): Promise<FrozenMatrix> {
  const tensors: SafeTensor[] = [];
  for (const { name, rows } of parts) tensors.push(await readChecked(weights, name, rows * columns));
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  const limit = Math.min(gpu.device.limits.maxStorageBufferBindingSize, gpu.device.limits.maxBufferSize);
  const dtypes = new Set(tensors.map(({ dtype }) => dtype));
  const [dtype] = dtypes;
  const stored = dtype && STORED[dtype];
  const same = dtypes.size === 1;
  // A vocabulary of 150,000 fits many devices as stored, and few widened.
  const asStored = stored && same && (policy === 'stored' || rows * columns * 4 > limit);
  const storage: WeightStorage = asStored ? stored : 'f32';
  const bytes = rows * columns * (storage === 'f32' ? 4 : 2);
  check(
    bytes <= limit,
    'gpu.bufferTooLarge',
    `tensor ${parts[0]?.name} needs ${bytes} bytes in one buffer; this device binds at most ${limit}`,
    'Use a GPU that binds larger buffers.',
  );
  const data =
    storage === 'f32'
      ? new Float32Array(joinBytes(tensors.map((tensor) => bytesOf(widenToF32(tensor)))).buffer as ArrayBuffer)
      : joinBytes(tensors.map((tensor) => tensor.bytes));
  return { rows, columns, storage, data: gpu.persistent([data.length], data) };
}

/** Concatenates vectors (norm weights, biases) in f32. */
export async function loadVector(
  gpu: Gpu,
  weights: WeightFiles,
  parts: { name: string; size: number }[],
): Promise<Tensor> {
  const values: Uint8Array[] = [];
  for (const { name, size } of parts) values.push(bytesOf(widenToF32(await readChecked(weights, name, size))));
  const data = new Float32Array(joinBytes(values).buffer as ArrayBuffer);
  return gpu.persistent([data.length], data);
}
