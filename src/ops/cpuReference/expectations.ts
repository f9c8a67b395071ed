// Assertions that the reference tests share. Not part of the app.

import { expect } from 'vitest';
import { checkGradient } from '../gradCheck';

/**
 * Asserts |got - want| <= atol + rtol |want| elementwise; a failure names the worst index and both values.
 * The default tolerance is float64 rounding over sums of some tens of terms.
 */
export function expectClose(
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  tolerance: { atol: number; rtol: number } = { atol: 1e-13, rtol: 1e-12 },
): void {
  expect(got.length).toBe(want.length);
  for (let i = 0; i < want.length; i++) {
    const close =
      got[i] === want[i] || Math.abs(got[i]! - want[i]!) <= tolerance.atol + tolerance.rtol * Math.abs(want[i]!);
    expect(close, `index ${i}: got ${got[i]}, want ${want[i]}`).toBe(true);
  }
}

/** Asserts that `gradient` is d f / d x by central differences; a failure names the worst index and both values. */
export function expectGradient(
  f: (x: Float64Array) => number,
  x: Float64Array,
  gradient: ArrayLike<number>,
  tolerance?: { atol: number; rtol: number },
): void {
  const result = checkGradient(f, x, gradient, tolerance);
  expect(result.pass, `index ${result.index}: got ${result.got}, finite difference ${result.want}`).toBe(true);
}
