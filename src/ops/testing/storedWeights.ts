// Weights in each storage type with the numbers they stand for. For tests only.

import { bfloat16ToFloat32, float16ToFloat32 } from '../../formats/floats';
import type { GpuBench } from '../../gpu/testGpu';
import type { FrozenMatrix, WeightStorage } from '../matmul';
import { testValues } from '../testValues';

/** 16-bit patterns as the u32 words of a checkpoint's buffer. */
export function packHalves(bits: Uint16Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  return new Uint32Array(bits.buffer, bits.byteOffset, bits.length / 2);
}

/** Seeded patterns of values around 1 in magnitude, any fraction bits. */
function halfBits(count: number, storage: 'bf16' | 'f16', seed: number): Uint16Array<ArrayBuffer> {
  const fractionBits = storage === 'bf16' ? 7 : 10;
  const one = storage === 'bf16' ? 0x3f80 : 0x3c00;
  const random = testValues(count, seed, 0, 2 ** (fractionBits + 2));
  // Two more bits than the fraction: the sign, and whether the exponent is one lower.
  return Uint16Array.from(random, (value) => {
    const bits = Math.floor(value);
    const sign = (bits >> (fractionBits + 1)) & 1 ? 0x8000 : 0;
    const lower = (bits >> fractionBits) & 1 ? 1 << fractionBits : 0;
    return sign | (one - lower + (bits & ((1 << fractionBits) - 1)));
  });
}

/**
 * A matrix [rows, columns] with seeded values, and those values.
 * @param offset elements of garbage in front, a multiple of 4
 */
export function storedMatrix(
  bench: GpuBench,
  shape: { rows: number; columns: number; storage: WeightStorage; offset?: number },
  seed: number,
): { w: FrozenMatrix; values: Float32Array } {
  const { rows, columns, storage, offset = 0 } = shape;
  const count = rows * columns;
  if (storage === 'f32') {
    const values = Float32Array.from(testValues(count, seed));
    const data = new Float32Array(offset + count).fill(NaN);
    data.set(values, offset);
    return { w: { ...shape, data: bench.input(data) }, values };
  }
  const bits = new Uint16Array(offset + count).fill(0x7fff);
  bits.set(halfBits(count, storage, seed), offset);
  const decode = storage === 'bf16' ? bfloat16ToFloat32 : float16ToFloat32;
  return { w: { ...shape, data: bench.input(packHalves(bits)) }, values: decode(bits.slice(offset)) };
}
