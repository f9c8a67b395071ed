// Double quantization of bitsandbytes: the block maxima of a 4-bit tensor less their mean, in 8 bits, in blocks of 256.
// 4 bits + 32 / 64 a weight become 4 + 8 / 64 + 32 / (64 * 256).

const NESTED_BLOCK = 256;

/** Block maxima in 8 bits. */
export interface NestedMaxima {
  /** One per 4-bit block. */
  codes: Uint8Array<ArrayBuffer>;
  /** Largest magnitude of each 256 differences. */
  nested: Float32Array<ArrayBuffer>;
  /** Mean of the maxima. */
  offset: number;
}

/** torch.linspace(0.1, 1, count) in f32, which counts from both ends. */
function linspace(count: number): number[] {
  const start = Math.fround(0.1);
  const step = Math.fround(Math.fround(1 - start) / (count - 1));
  const half = Math.floor(count / 2);
  return Array.from({ length: count }, (_, k) => Math.fround(k < half ? start + step * k : 1 - step * (count - 1 - k)));
}

/** Values of the 8-bit codes (bitsandbytes/functional.py, create_dynamic_map): a sign, an exponent of 10, a fraction. */
export const DYNAMIC_MAP: Float32Array<ArrayBuffer> = (() => {
  const values = [0, 1];
  for (let i = 0; i < 7; i++) {
    const power = Math.fround(10 ** (i - 6));
    const bounds = linspace(2 ** i + 1);
    for (let k = 0; k + 1 < bounds.length; k++) {
      const mean = Math.fround(Math.fround(bounds[k]! + bounds[k + 1]!) / 2);
      values.push(Math.fround(power * mean), Math.fround(-power * mean));
    }
  }
  return Float32Array.from(values).sort();
})();

const BINS = 65536;
const HALF_BINS = 32767.5;

/** For each of 65,536 places between -1 and 1 the nearest code, the lower one of two. */
const NEAREST: Uint8Array = (() => {
  const out = new Uint8Array(BINS);
  let code = 0;
  for (let bin = 0; bin < BINS; bin++) {
    const value = bin / HALF_BINS - 1;
    while (code < 255 && DYNAMIC_MAP[code + 1]! - value < value - DYNAMIC_MAP[code]!) code++;
    out[bin] = code;
  }
  return out;
})();

/**
 * The code that bitsandbytes' CPU library takes for a value in -1..1. It looks the value up in 65,536 bins; its CUDA
 * kernel searches for the nearest code instead, which differs by one code in about one of 700 values, near the middle of two.
 */
function codeOf(value: number): number {
  const scaled = Math.fround(Math.fround(value + 1) * HALF_BINS);
  return NEAREST[Math.max(0, Math.min(BINS - 1, Math.floor(Math.fround(scaled + 0.5))))]!;
}

/** Quantizes the block maxima of one tensor. Plain loops: a model has tens of millions of them. */
export function quantizeMaxima(maxima: Float32Array): NestedMaxima {
  let sum = 0;
  for (let i = 0; i < maxima.length; i++) sum += maxima[i]!;
  const offset = Math.fround(sum / Math.max(1, maxima.length));
  const codes = new Uint8Array(maxima.length);
  const nested = new Float32Array(Math.ceil(maxima.length / NESTED_BLOCK));
  for (let block = 0; block < nested.length; block++) {
    const from = block * NESTED_BLOCK;
    const to = Math.min(maxima.length, from + NESTED_BLOCK);
    let top = 0;
    for (let i = from; i < to; i++) top = Math.max(top, Math.abs(Math.fround(maxima[i]! - offset)));
    nested[block] = top;
    if (top === 0) continue; // code 0, as in bitsandbytes
    const inverse = Math.fround(1 / top);
    for (let i = from; i < to; i++) codes[i] = codeOf(Math.fround(Math.fround(maxima[i]! - offset) * inverse));
  }
  return { codes, nested, offset };
}

/** The block maxima that 8 bits stand for, in f32 steps as bitsandbytes computes them. */
export function restoreMaxima({ codes, nested, offset }: NestedMaxima): Float32Array<ArrayBuffer> {
  const out = new Float32Array(codes.length);
  for (let i = 0; i < out.length; i++) {
    out[i] = Math.fround(DYNAMIC_MAP[codes[i]!]! * nested[Math.floor(i / NESTED_BLOCK)]!) + offset;
  }
  return out;
}
