// Pillow's 8-bit resampling, bit for bit: 22-bit fixed-point weights, the width pass rounded to u8, then the height pass.
// Pillow may run the passes in the other order in one call; the recipe's versions did not (reference/README.md).

import { check } from '../base/errors';
import type { RgbImage } from './rgbImage';

interface Kernel {
  weight: (x: number) => number;
  /** Half width in source pixels when enlarging. */
  support: number;
}

const WEIGHT_BITS = 22;
const HALF = 1 << (WEIGHT_BITS - 1);

/** Keys' cubic with a = -0.5, in Pillow's order of operations. */
function bicubic(signed: number): number {
  const a = -0.5;
  const x = Math.abs(signed);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

function sinc(x: number): number {
  if (x === 0) return 1;
  return Math.sin(x * Math.PI) / (x * Math.PI);
}

function lanczos(x: number): number {
  return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0;
}

const KERNELS: Record<Filter, Kernel> = {
  bicubic: { weight: bicubic, support: 2 },
  lanczos: { weight: lanczos, support: 3 },
};

export type Filter = 'bicubic' | 'lanczos';

/** For each output position the run of source positions it reads, and their weights in units of 2^-22. */
interface Taps {
  first: Int32Array;
  count: Int32Array;
  /** (output size, stride) */
  weights: Int32Array;
  stride: number;
}

/** Weights of one axis. All in float64, truncated as a C cast does. */
function tapsFor(inSize: number, outSize: number, kernel: Kernel): Taps {
  const scale = inSize / outSize;
  const stretch = Math.max(scale, 1);
  const reach = kernel.support * stretch;
  const stride = Math.ceil(reach) * 2 + 1;
  const first = new Int32Array(outSize);
  const count = new Int32Array(outSize);
  const weights = new Int32Array(outSize * stride);
  const real = new Float64Array(stride);
  for (let i = 0; i < outSize; i++) {
    const center = (i + 0.5) * scale;
    const from = Math.max(0, Math.trunc(center - reach + 0.5));
    const n = Math.min(inSize, Math.trunc(center + reach + 0.5)) - from;
    let sum = 0;
    for (let x = 0; x < n; x++) {
      real[x] = kernel.weight((x + from - center + 0.5) * (1 / stretch));
      sum += real[x]!;
    }
    for (let x = 0; x < n; x++) {
      const scaled = (real[x]! / sum) * (1 << WEIGHT_BITS);
      weights[i * stride + x] = Math.trunc(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
    }
    first[i] = from;
    count[i] = n;
  }
  return { first, count, weights, stride };
}

function clampToByte(sum: number): number {
  const value = sum >> WEIGHT_BITS;
  return value < 0 ? 0 : value > 255 ? 255 : value;
}

/** Width pass: (H, W, 3) -> (H, outWidth, 3). Sums fit int32, as in Pillow: the weights' magnitudes add to < 2 * 2^22. */
function resampleRows(data: Uint8Array, width: number, height: number, outWidth: number, kernel: Kernel): Uint8Array {
  const { first, count, weights, stride } = tapsFor(width, outWidth, kernel);
  const out = new Uint8Array(height * outWidth * 3);
  let to = 0;
  for (let y = 0; y < height; y++) {
    for (let i = 0; i < outWidth; i++) {
      let red = HALF;
      let green = HALF;
      let blue = HALF;
      let from = (y * width + first[i]!) * 3;
      const end = i * stride + count[i]!;
      for (let k = i * stride; k < end; k++) {
        const w = weights[k]!;
        red = (red + Math.imul(data[from]!, w)) | 0;
        green = (green + Math.imul(data[from + 1]!, w)) | 0;
        blue = (blue + Math.imul(data[from + 2]!, w)) | 0;
        from += 3;
      }
      out[to] = clampToByte(red);
      out[to + 1] = clampToByte(green);
      out[to + 2] = clampToByte(blue);
      to += 3;
    }
  }
  return out;
}

/** Height pass: (H, W, 3) -> (outHeight, W, 3), a row of sums at a time, so that memory is read in order. */
function resampleColumns(
  data: Uint8Array,
  width: number,
  height: number,
  outHeight: number,
  kernel: Kernel,
): Uint8Array {
  const { first, count, weights, stride } = tapsFor(height, outHeight, kernel);
  const line = width * 3;
  const out = new Uint8Array(outHeight * line);
  const sums = new Int32Array(line);
  for (let i = 0; i < outHeight; i++) {
    sums.fill(HALF);
    for (let k = 0; k < count[i]!; k++) {
      const w = weights[i * stride + k]!;
      const from = (first[i]! + k) * line;
      for (let x = 0; x < line; x++) sums[x]! += Math.imul(data[from + x]!, w);
    }
    const to = i * line;
    for (let x = 0; x < line; x++) out[to + x] = clampToByte(sums[x]!);
  }
  return out;
}

/**
 * Resizes RGB; alpha, if any, is dropped. A pass whose size does not change is skipped, so an equal size returns the
 * input's pixels (shared).
 * @param image (H, W, 3) u8 @param width, height of the result, above 0
 * @throws image.size for a result without pixels
 */
export function resample(image: RgbImage, width: number, height: number, filter: Filter): RgbImage {
  const valid = Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0;
  check(valid, 'image.size', `cannot resize ${image.width} x ${image.height} to ${width} x ${height}: no pixels left`);
  const kernel = KERNELS[filter];
  let data = image.data;
  if (image.width !== width) data = resampleRows(data, image.width, image.height, width, kernel);
  if (image.height !== height) data = resampleColumns(data, width, image.height, height, kernel);
  return { width, height, data };
}
