// Float64 reference of a LoRA branch, forward and backward. For tests only; never on a hot path.
// The base product W x + b is not part of it: the branch is what is added.

import { linear, linearBackwardInput, linearBackwardWeight } from './linear';

export interface LoraShape {
  /** T */
  rows: number;
  /** K */
  inWidth: number;
  /** R */
  rank: number;
  /** N */
  outWidth: number;
}

export interface LoraGradients {
  /** (R, K) */
  dA: Float64Array;
  /** (N, R) */
  dB: Float64Array;
  /** (T, K), the branch's part of the gradient at the input */
  dx: Float64Array;
}

/** x times mask, elementwise; x itself without a mask. */
function masked(x: ArrayLike<number>, mask: ArrayLike<number> | null): ArrayLike<number> {
  return mask ? Float64Array.from(x, (value, i) => value * mask[i]!) : x;
}

/**
 * y = scale B A dropout(x).
 * @param x (T, K) @param a (R, K) @param b (N, R) @param scale alpha / R
 * @param mask (T, K), 0 or 1 / (1 - p) per element, or null for no dropout
 * @returns `y` (T, N) and `down` = A dropout(x) (T, R), which backward uses
 */
export function loraForward(
  x: ArrayLike<number>,
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  { rows, inWidth, rank, outWidth }: LoraShape,
  scale: number,
  mask: ArrayLike<number> | null = null,
): { y: Float64Array; down: Float64Array } {
  const down = linear(masked(x, mask), a, null, { rows, inWidth, outWidth: rank });
  const y = linear(down, b, null, { rows, inWidth: rank, outWidth });
  return { y: y.map((value) => value * scale), down };
}

/**
 * dB = scale dy^T down; dDown = scale dy B; dA = dDown^T dropout(x); dx = mask (dDown A).
 * @param dy (T, N) @param x (T, K) before dropout @param down (T, R) from forward
 */
export function loraBackward(
  dy: ArrayLike<number>,
  x: ArrayLike<number>,
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  down: ArrayLike<number>,
  { rows, inWidth, rank, outWidth }: LoraShape,
  scale: number,
  mask: ArrayLike<number> | null = null,
): LoraGradients {
  const scaled = Float64Array.from(dy, (value) => value * scale);
  const up = { rows, inWidth: rank, outWidth };
  const dDown = linearBackwardInput(scaled, b, up);
  const low = { rows, inWidth, outWidth: rank };
  return {
    dA: linearBackwardWeight(dDown, masked(x, mask), low),
    dB: linearBackwardWeight(scaled, down, up),
    dx: Float64Array.from(masked(linearBackwardInput(dDown, a, low), mask)),
  };
}
