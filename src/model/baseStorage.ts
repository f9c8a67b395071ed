// In what type the base model's matrices are kept on the GPU.

import type { SafeDtype } from '../formats/safetensorsHeader';
import type { Gpu } from '../gpu/gpu';
import type { WeightStorage } from '../ops/matmul';

export interface StorageOptions {
  /** transformers' name; `auto`: as in the file, widened to f32 where stacked tensors have two types. */
  dtype: 'auto' | 'float32' | 'bfloat16' | 'float16';
  /** Linears in 4 bits; null: as `dtype` says. */
  nf4: { doubleQuant: boolean } | null;
}

/** A type of the GPU by the file's name of it. */
export const STORED: Partial<Record<SafeDtype, 'f32' | 'bf16' | 'f16'>> = { F32: 'f32', BF16: 'bf16', F16: 'f16' };
const NAMED = { float32: 'f32', bfloat16: 'bf16', float16: 'f16' } as const;

/** Bits of an element; nf4's scales come on top. */
export const STORAGE_BITS: Record<WeightStorage, number> = { f32: 32, bf16: 16, f16: 16, nf4: 4 };

/** As in the files; widened to f32, which changes no value, where a CPU plays the GPU and is faster so. */
export function defaultStorage({ rec }: Pick<Gpu, 'rec'>): StorageOptions {
  return { dtype: rec.variant === 'software' ? 'float32' : 'auto', nf4: null };
}

/**
 * The type of one matrix.
 * @param dtypes of its tensors in the files
 * @param linear what bitsandbytes quantizes: every linear, the head not counted; no embedding, no convolution
 */
export function storageOf(
  { dtype, nf4 }: StorageOptions,
  dtypes: readonly SafeDtype[],
  linear: boolean,
): WeightStorage {
  if (nf4 && linear) return 'nf4';
  if (dtype !== 'auto') return NAMED[dtype];
  const [first] = dtypes;
  return (first && dtypes.every((one) => one === first) ? STORED[first] : undefined) ?? 'f32';
}
