// Float64 reference of the exact GELU (erf form), with an erf good to about 1e-15. For tests only.

const SERIES_LIMIT = 2.5;

/**
 * exp(-x^2) 2/sqrt(pi) times the sum of 2^n x^(2n+1) / (1*3*...*(2n+1)): all terms of one sign, so nothing cancels.
 * Abramowitz and Stegun 7.1.6.
 */
function erfSeries(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return ((2 * Math.exp(-x * x)) / Math.sqrt(Math.PI)) * sum;
}

/** erfc(x) for x >= 2.5 by its continued fraction, evaluated from the far end. Abramowitz and Stegun 7.1.14. */
function erfcFraction(x: number): number {
  let tail = x;
  for (let n = 60; n >= 1; n--) tail = x + n / 2 / tail;
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * tail);
}

/** The error function; absolute error about 1e-15. */
export function erf(x: number): number {
  if (Math.abs(x) < SERIES_LIMIT) return x === 0 ? 0 : erfSeries(x);
  return Math.sign(x) * (1 - erfcFraction(Math.abs(x)));
}

/** The complement 1 - erf(x), without loss of digits for large x. */
export function erfc(x: number): number {
  if (Math.abs(x) < SERIES_LIMIT) return 1 - erf(x);
  return x > 0 ? erfcFraction(x) : 2 - erfcFraction(-x);
}

/**
 * y = x (1 + erf(x / sqrt 2)) / 2, elementwise.
 * @param x any shape
 * @returns same shape
 */
export function gelu(x: ArrayLike<number>): Float64Array {
  // erfc of the negated argument keeps the digits of y where 1 + erf would cancel (x far below zero).
  return Float64Array.from({ length: x.length }, (_, i) => (x[i]! / 2) * erfc(-x[i]! * Math.SQRT1_2));
}

/**
 * dx = dy (Phi(x) + x phi(x)), Phi and phi the normal distribution function and density.
 * @param dy same shape as x
 */
export function geluBackward(dy: ArrayLike<number>, x: ArrayLike<number>): Float64Array {
  const dx = new Float64Array(x.length);
  for (let i = 0; i < x.length; i++) {
    const distribution = erfc(-x[i]! * Math.SQRT1_2) / 2;
    const density = Math.exp((-x[i]! * x[i]!) / 2) / Math.sqrt(2 * Math.PI);
    dx[i] = dy[i]! * (distribution + x[i]! * density);
  }
  return dx;
}
