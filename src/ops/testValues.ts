// Seeded inputs for tests of ops. Not part of the app.

import { STREAM, streamKey, uniformArray } from '../base/random';

/**
 * `count` uniform values in [low, high), exactly representable in f32, the same on every machine.
 * @param seed another seed gives other values
 */
export function testValues(count: number, seed: number, low = -1, high = 1): Float64Array {
  return Float64Array.from(uniformArray(count, low, high, streamKey(seed, STREAM.init)));
}

/** Sum of a_i b_i: turns an op's output into a scalar whose gradient at the output is `b`. */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
