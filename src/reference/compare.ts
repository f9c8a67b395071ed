// Elementwise comparison by the rules of the reference: |got - want| <= atol + rtol |want|, and an rms bound.

import type { CheckResult, TensorTolerance } from './types';

/** Row-major index to coordinates of `shape`. */
function coordinates(index: number, shape: readonly number[]): number[] {
  const out: number[] = [];
  let rest = index;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    out.unshift(rest % shape[axis]!);
    rest = Math.floor(rest / shape[axis]!);
  }
  return out;
}

/**
 * Compares all elements where `mask` (if given, one entry per element of the leading axes) is not 0.
 * @param got values computed here @param want values of the folder @param shape of both, row-major
 * @returns a result that names the element that exceeds its bound most, or the largest error
 */
export function compareTensor(
  name: string,
  got: ArrayLike<number>,
  want: ArrayLike<number>,
  shape: readonly number[],
  tolerance: TensorTolerance,
  mask?: ArrayLike<number>,
): CheckResult {
  if (got.length !== want.length) {
    return { name, pass: false, detail: `has ${got.length} elements, expected ${want.length} (${shape.join(' x ')})` };
  }
  const inner = mask ? want.length / mask.length : 1;
  let worstExcess = -Infinity;
  let at = -1;
  let errorSquares = 0;
  let wantSquares = 0;
  for (let i = 0; i < want.length; i++) {
    if (mask && mask[Math.floor(i / inner)] === 0) continue;
    const error = Math.abs(got[i]! - want[i]!);
    const excess = Number.isFinite(error) ? error / (tolerance.atol + tolerance.rtol * Math.abs(want[i]!)) : Infinity;
    errorSquares += error * error;
    wantSquares += want[i]! * want[i]!;
    if (excess > worstExcess) {
      worstExcess = excess;
      at = i;
    }
  }
  if (at < 0) return { name, pass: want.length === 0, worst: 0, detail: 'nothing to compare' };
  const rmsRatio = wantSquares > 0 ? Math.sqrt(errorSquares / wantSquares) : 0;
  const rmsPass = tolerance.rms_rel === undefined || rmsRatio <= tolerance.rms_rel || wantSquares === 0;
  return {
    name,
    pass: worstExcess <= 1 && rmsPass,
    worst: Math.abs(got[at]! - want[at]!),
    limit: tolerance.atol + tolerance.rtol * Math.abs(want[at]!),
    at: `[${coordinates(at, shape).join(', ')}] got ${got[at]}, want ${want[at]}`,
    ...(rmsPass ? {} : { detail: `rms error ${rmsRatio.toExponential(2)} of rms, allowed ${tolerance.rms_rel}` }),
  };
}

/** Compares two numbers; the tolerance is the reference folder's. */
export function compareScalar(name: string, got: number, want: number, atol: number, rtol = 0): CheckResult {
  const limit = atol + rtol * Math.abs(want);
  const worst = Math.abs(got - want);
  return { name, pass: worst <= limit, worst, limit, at: `got ${got}, want ${want}` };
}

/** Compares lists that must be equal. */
export function compareExact<T>(name: string, got: ArrayLike<T>, want: ArrayLike<T>): CheckResult {
  if (got.length !== want.length) {
    return { name, pass: false, detail: `length ${got.length}, expected ${want.length}` };
  }
  for (let i = 0; i < want.length; i++) {
    if (got[i] !== want[i]) {
      return { name, pass: false, detail: `differs at ${i}: got ${String(got[i])}, want ${String(want[i])}` };
    }
  }
  return { name, pass: true, worst: 0, limit: 0 };
}
