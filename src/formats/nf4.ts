// NormalFloat4 as bitsandbytes stores it (QLoRA, arXiv 2305.14314): codes of 4 bits in blocks of 64, each with the
// largest magnitude of its block. Values <-> bytes on the CPU; the exact reference of the GPU's kernel, and its stand-in.

/** Elements of a block; blocks run over the flattened tensor. */
export const NF4_BLOCK = 64;

/** Values of the codes (bitsandbytes/functional.py, get_4bit_type). */
export const NF4_LEVELS = Float32Array.of(
  -1.0,
  -0.6961928009986877,
  -0.5250730514526367,
  -0.39491748809814453,
  -0.28444138169288635,
  -0.18477343022823334,
  -0.09105003625154495,
  0.0,
  0.07958029955625534,
  0.16093020141124725,
  0.24611230194568634,
  0.33791524171829224,
  0.44070982933044434,
  0.5626170039176941,
  0.7229568362236023,
  1.0,
);

/** Entry i: up to here a scaled value takes code i; the middle between two levels, as an f32. */
const UPPER_BOUNDS = Float32Array.from({ length: 15 }, (_, i) => (NF4_LEVELS[i]! + NF4_LEVELS[i + 1]!) / 2);

/** Smallest normal f32. Blocks below it count as zeros, as on a GPU, which may take subnormal numbers for 0. */
const SMALLEST_NORMAL = 2 ** -126;
/** What bitsandbytes puts in place of a last, incomplete block's maximum of 0. */
const LEAST_TAIL_MAXIMUM = 1e-38;

export interface Nf4Codes {
  /** Two codes to a byte, the earlier in the high half; ceil(count / 2) bytes. */
  packed: Uint8Array<ArrayBuffer>;
  /** Largest magnitude of each block. */
  maxima: Float32Array<ArrayBuffer>;
}

/** The code of a value in -1..1: how many bounds lie below it. */
function codeOf(scaled: number): number {
  let code = scaled > UPPER_BOUNDS[7]! ? 8 : 0;
  if (scaled > UPPER_BOUNDS[code + 3]!) code += 4;
  if (scaled > UPPER_BOUNDS[code + 1]!) code += 2;
  return scaled > UPPER_BOUNDS[code]! ? code + 1 : code;
}

function largest(values: Float32Array, from: number, to: number): number {
  let top = 0;
  for (let i = from; i < to; i++) top = Math.max(top, Math.abs(values[i]!));
  return top;
}

/**
 * Quantizes a flattened tensor, or a part of one that begins at a block. The same bytes as bitsandbytes' quantize_4bit
 * (bitsandbytes/backends/default/ops.py, 0.50): full blocks are multiplied by the f32 reciprocal of their maximum, a last incomplete
 * one is divided by it.
 * @param values finite
 */
export function quantizeNf4(values: Float32Array): Nf4Codes {
  const count = values.length;
  const packed = new Uint8Array(Math.ceil(count / 2));
  const maxima = new Float32Array(Math.ceil(count / NF4_BLOCK));
  for (let block = 0; block < maxima.length; block++) {
    const from = block * NF4_BLOCK;
    const to = Math.min(count, from + NF4_BLOCK);
    const whole = to - from === NF4_BLOCK;
    const largestOne = largest(values, from, to);
    const top = largestOne < SMALLEST_NORMAL ? 0 : largestOne;
    maxima[block] = whole ? top : Math.max(top, LEAST_TAIL_MAXIMUM);
    const inverse = top === 0 ? 0 : Math.fround(1 / top);
    const divisor = whole ? 0 : top;
    for (let i = from; i < to; i++) {
      const scaled = Math.fround(divisor ? values[i]! / divisor : values[i]! * inverse);
      packed[i >> 1]! |= codeOf(scaled) << (i & 1 ? 0 : 4);
    }
  }
  // bitsandbytes fills up with the number 0, whose code is 7.
  if (count & 1) packed[packed.length - 1]! |= codeOf(0);
  return { packed, maxima };
}

/**
 * Values of `count` codes.
 * @param scales one per block: maxima, or what double quantization kept of them
 */
export function dequantizeNf4(packed: Uint8Array, scales: Float32Array, count: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: count }, (_, i) => {
    const code = (packed[i >> 1]! >> (i & 1 ? 0 : 4)) & 15;
    return NF4_LEVELS[code]! * scales[Math.floor(i / NF4_BLOCK)]!;
  });
}
