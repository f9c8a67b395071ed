// In what type the base model's matrices are kept on the GPU.

import { DTYPE_BYTES, type SafeDtype } from '../formats/safetensorsHeader';
import type { Gpu } from '../gpu/gpu';
import type { WeightStorage } from '../ops/matmul';

/** As in the recipe: transformers' `dtype`, and NF4 for the linears (`load_in_4bit`). */
export interface BaseStorage {
  /** `auto`: as in the file; widened to f32, which changes no value, where a CPU plays the GPU and is faster so. */
  dtype: 'auto' | 'float32' | 'bfloat16' | 'float16';
  /** Linears in 4 bits; null: as `dtype` says. */
  nf4: { doubleQuant: boolean } | null;
}

/** A type of the GPU by the file's name of it. */
export const STORED: Partial<Record<SafeDtype, 'f32' | 'bf16' | 'f16'>> = { F32: 'f32', BF16: 'bf16', F16: 'f16' };
const NAMED = { float32: 'f32', bfloat16: 'bf16', float16: 'f16' } as const;

/** Bits of an element; nf4's scales come on top. */
export const STORAGE_BITS: Record<WeightStorage, number> = { f32: 32, bf16: 16, f16: 16, nf4: 4 };

/** Largest buffer that the device binds, in bytes. */
export function largestBinding({ device }: Pick<Gpu, 'device'>): number {
  return Math.min(device.limits.maxStorageBufferBindingSize, device.limits.maxBufferSize);
}

export interface MatrixKind {
  elements: number;
  /** Types of its tensors in the files. */
  dtypes: readonly SafeDtype[];
  /** What bitsandbytes quantizes: every linear, the head not counted; no embedding, no convolution. */
  linear: boolean;
}

/**
 * The type of one matrix.
 * @param limitBytes the largest buffer that the device binds
 */
export function storageOf(
  gpu: Gpu,
  { dtype, nf4 }: BaseStorage,
  matrix: MatrixKind,
  limitBytes: number,
): WeightStorage {
  if (nf4 && matrix.linear) return 'nf4';
  if (dtype !== 'auto') return NAMED[dtype];
  const [first] = matrix.dtypes;
  const stored = first && matrix.dtypes.every((one) => one === first) ? STORED[first] : undefined;
  // A vocabulary of 150,000 fits many devices as stored, and few widened. With 4 bits memory is what counts.
  const widen = gpu.rec.variant === 'software' && !nf4 && matrix.elements * DTYPE_BYTES.F32 <= limitBytes;
  return widen ? 'f32' : (stored ?? 'f32');
}
