// Elementwise comparison of an op's result with the float64 reference. For tests only.

import { expect } from 'vitest';
import { compareTensor } from '../../reference/compare';

/** Float32 sums of some hundred terms: about 60 roundings of 2^-24 in the worst case. */
export const F32_TOLERANCE = 1e-5;

/**
 * Asserts |got - want| <= relative (largest |want| + |want|); a failure names the worst element and both values.
 * @param shape of both, row-major
 * @param relative F32_TOLERANCE unless the caller justifies another
 * @param scale the size that rounding errors go by, where sums cancel; by default the largest |want|
 */
export function expectTensor(
  name: string,
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  shape: readonly number[],
  { relative = F32_TOLERANCE, scale }: { relative?: number; scale?: number } = {},
): void {
  let largest = 0;
  for (let i = 0; i < want.length; i++) largest = Math.max(largest, Math.abs(want[i]!));
  // Never 0: an error of 0 must compare as 0 of the allowance.
  const tolerance = { atol: Math.max(relative * (scale ?? largest), Number.MIN_VALUE), rtol: relative };
  const result = compareTensor(name, got, want, shape, tolerance);
  const text = `${name}: off by ${result.worst}, allowed ${result.limit} at ${result.at ?? ''} ${result.detail ?? ''}`;
  expect(result.pass, text).toBe(true);
}
