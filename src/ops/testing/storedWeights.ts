// Weights in each storage type with the numbers they stand for. For tests only.

import { bfloat16ToFloat32, float16ToFloat32 } from '../../formats/floats';
import type { GpuBench } from '../../gpu/testGpu';
import { dequantizeNf4, NF4_BLOCK, quantizeNf4 } from '../../formats/nf4';
import { wholeMatrix, type FrozenMatrix, type WeightStorage } from '../matmul';
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
 * @param offset elements of garbage in front, a multiple of 4; nf4 rounds it up to whole blocks
 */
export function storedMatrix(
  bench: GpuBench,
  shape: { rows: number; columns: number; storage: WeightStorage; offset?: number },
  seed: number,
): { w: FrozenMatrix; values: Float32Array } {
  const { rows, columns, storage, offset = 0 } = shape;
  const count = rows * columns;
  if (storage === 'nf4') return nf4Matrix(bench, rows, columns, Math.ceil(offset / NF4_BLOCK), seed);
  if (storage === 'f32') {
    const values = Float32Array.from(testValues(count, seed));
    const data = new Float32Array(offset + count).fill(NaN);
    data.set(values, offset);
    return { w: wholeMatrix({ rows, columns, storage }, bench.input(data), offset), values };
  }
  const bits = new Uint16Array(offset + count).fill(0x7fff);
  bits.set(halfBits(count, storage, seed), offset);
  const decode = storage === 'bf16' ? bfloat16ToFloat32 : float16ToFloat32;
  const w = wholeMatrix({ rows, columns, storage }, bench.input(packHalves(bits)), offset);
  return { w, values: decode(bits.slice(offset)) };
}

function nf4Matrix(bench: GpuBench, rows: number, columns: number, blocksBefore: number, seed: number) {
  const count = rows * columns;
  const { packed, maxima } = quantizeNf4(Float32Array.from(testValues(count, seed)));
  const codes = new Uint8Array((blocksBefore + maxima.length) * (NF4_BLOCK / 2)).fill(0xff);
  codes.set(packed, blocksBefore * (NF4_BLOCK / 2));
  const scales = new Float32Array(blocksBefore + maxima.length).fill(NaN);
  scales.set(maxima, blocksBefore);
  const data = bench.input(new Uint32Array(codes.buffer));
  const part = { firstRow: 0, rows, data, offset: blocksBefore * NF4_BLOCK, scales: bench.input(scales) };
  const w: FrozenMatrix = { rows, columns, storage: 'nf4', parts: [part] };
  return { w, values: dequantizeNf4(packed, maxima, count) };
}

/** The same matrix as parts of at most `rows` rows each, a multiple of 4. */
export function cutMatrix(w: FrozenMatrix, rows: number): FrozenMatrix {
  const [whole] = w.parts;
  const parts = Array.from({ length: Math.ceil(w.rows / rows) }, (_, i) => ({
    ...whole!,
    firstRow: i * rows,
    rows: Math.min(rows, w.rows - i * rows),
    offset: (whole!.offset ?? 0) + i * rows * w.columns,
  }));
  return { ...w, parts };
}
