// Compares hand-written gradients with central finite differences, in float64. For tests of the CPU references.

export interface GradCheckResult {
  /** Elementwise |got - want| <= atol + rtol |want| holds everywhere. */
  pass: boolean;
  /** Index of the element that exceeds its bound most (relative to the bound). */
  index: number;
  /** The hand-written gradient there. */
  got: number;
  /** The finite difference there. */
  want: number;
}

// The truncation error is step^2 times the third derivative over 6, rounding about 2^-53 |f| / step: for values near 1
// their sum is least near cbrt(2^-53), about 5e-6, where it is about 1e-11.
const STEP = 1e-5;

/**
 * Central differences (f(x + h) - f(x - h)) / 2h for every element of x.
 * @param f a smooth scalar function of x; must not change it
 * @returns gradient, length of x
 */
export function finiteDifferences(f: (x: Float64Array) => number, x: Float64Array): Float64Array {
  const probe = Float64Array.from(x);
  const gradient = new Float64Array(x.length);
  for (let i = 0; i < x.length; i++) {
    const step = STEP * Math.max(1, Math.abs(x[i]!));
    probe[i] = x[i]! + step;
    const above = f(probe);
    probe[i] = x[i]! - step;
    const below = f(probe);
    probe[i] = x[i]!;
    gradient[i] = (above - below) / (2 * step);
  }
  return gradient;
}

/**
 * Checks a gradient against finite differences.
 * @param gradient d f / d x as computed by hand, length of x
 * @param tolerance defaults fit functions and gradients of size up to about 100 in float64
 * @throws RangeError when the lengths differ
 */
export function checkGradient(
  f: (x: Float64Array) => number,
  x: Float64Array,
  gradient: ArrayLike<number>,
  tolerance: { atol: number; rtol: number } = { atol: 1e-8, rtol: 1e-7 },
): GradCheckResult {
  if (gradient.length !== x.length) {
    throw new RangeError(`gradCheck: gradient has ${gradient.length} elements, x has ${x.length}`);
  }
  const want = finiteDifferences(f, x);
  let index = 0;
  let worst = -Infinity;
  for (let i = 0; i < x.length; i++) {
    const error = Math.abs(gradient[i]! - want[i]!);
    // A NaN must lose, whatever the order of the comparison.
    const excess = Number.isFinite(error) ? error / (tolerance.atol + tolerance.rtol * Math.abs(want[i]!)) : Infinity;
    if (excess > worst) [worst, index] = [excess, i];
  }
  return { pass: worst <= 1, index, got: gradient[index]!, want: want[index]! };
}
