// @vitest-environment node
import { describe, expect, it } from 'vitest';
import { initialFactors, normalArray } from './loraInit';

const SHAPE = { r: 16, in: 1024, out: 512 };

/** Mean, standard deviation, skewness, kurtosis (3 for normal numbers). */
function moments(values: ArrayLike<number>): { mean: number; sd: number; skewness: number; kurtosis: number } {
  const all = Array.from(values);
  const average = (of: number[]) => of.reduce((a, b) => a + b, 0) / of.length;
  const mean = average(all);
  const sd = Math.sqrt(average(all.map((v) => (v - mean) ** 2)));
  const standard = all.map((v) => (v - mean) / sd);
  return {
    mean,
    sd,
    skewness: average(standard.map((v) => v ** 3)),
    kurtosis: average(standard.map((v) => v ** 4)),
  };
}

function correlation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const [ma, mb] = [moments(a), moments(b)];
  const sum = Array.from(a).reduce((total, value, i) => total + (value - ma.mean) * (b[i]! - mb.mean), 0);
  return sum / a.length / (ma.sd * mb.sd);
}

/** Uniform on (-bound, bound): within it, near both ends, and with its moments to five standard errors. */
function expectUniform(values: Float32Array, bound: number): void {
  const { mean, sd, kurtosis } = moments(values);
  const error = 5 / Math.sqrt(values.length);
  expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(Math.fround(bound));
  expect(Math.max(...values)).toBeGreaterThan(0.99 * bound);
  expect(Math.min(...values)).toBeLessThan(-0.99 * bound);
  expect(Math.abs(mean) / bound).toBeLessThan(error);
  expect(Math.abs((sd * Math.sqrt(3)) / bound - 1)).toBeLessThan(error);
  expect(Math.abs(kurtosis - 1.8)).toBeLessThan(5 * error);
}

describe('initialFactors', () => {
  it('true: A is uniform to 1 / sqrt(in) and B zero', () => {
    const { A, B } = initialFactors(SHAPE, true, 42, [0, 0]);
    expect(A).toHaveLength(SHAPE.r * SHAPE.in);
    expectUniform(A, 1 / 32);
    expect(B).toEqual(new Float32Array(SHAPE.out * SHAPE.r));
  });

  it('false: A is uniform to 1 / sqrt(in) and B to 1 / sqrt(r)', () => {
    const { A, B } = initialFactors(SHAPE, false, 42, [0, 0]);
    expectUniform(A, 1 / 32);
    expect(B).toHaveLength(SHAPE.out * SHAPE.r);
    expectUniform(B, 1 / 4);
    expect(Math.abs(correlation(A.slice(0, B.length), B))).toBeLessThan(5 / Math.sqrt(B.length));
  });

  it('gaussian: A is normal with standard deviation 1 / r and B zero', () => {
    const { A, B } = initialFactors(SHAPE, 'gaussian', 42, [0, 0]);
    const { mean, sd, skewness, kurtosis } = moments(A);
    const error = 5 / Math.sqrt(A.length);
    expect(Math.abs(mean * 16)).toBeLessThan(error);
    expect(Math.abs(sd * 16 - 1)).toBeLessThan(error);
    expect(Math.abs(skewness)).toBeLessThan(Math.sqrt(6) * error);
    expect(Math.abs(kurtosis - 3)).toBeLessThan(Math.sqrt(24) * error);
    expect(B.every((value) => value === 0)).toBe(true);
  });

  it.each([true, false, 'gaussian'] as const)('%s: depends on seed, layer and module, and on nothing else', (init) => {
    const start = (seed: number, layer: number, module: number) => initialFactors(SHAPE, init, seed, [layer, module]).A;
    const first = start(42, 3, 1);
    expect(start(42, 3, 1)).toEqual(first);
    for (const other of [
      start(43, 3, 1),
      start(42, 4, 1),
      start(42, 3, 2),
      start(42, 1, 3),
      start(42 + 2 ** 32, 3, 1),
    ]) {
      expect(Math.abs(correlation(first, other))).toBeLessThan(5 / Math.sqrt(first.length));
    }
  });
});

describe('normalArray', () => {
  it('has the tails of the normal distribution, in both numbers of a pair, and no correlation within pairs', () => {
    const values = normalArray(200_001, 1, [5, 6]);
    expect(values.every(Number.isFinite)).toBe(true);
    const parts = [0, 1].map((side) => values.filter((_, i) => i % 2 === side && i < 200_000));
    for (const part of parts) {
      // P(|x| > 2) = 0.0455, P(|x| > 3) = 0.0027; five standard errors of the count.
      for (const [limit, share] of [
        [2, 0.0455003],
        [3, 0.0026998],
      ] as const) {
        const found = part.filter((v) => Math.abs(v) > limit).length / part.length;
        expect(Math.abs(found - share)).toBeLessThan(5 * Math.sqrt(share / part.length));
      }
    }
    expect(Math.abs(correlation(parts[0]!, parts[1]!))).toBeLessThan(5 / Math.sqrt(100_000));
  });
});
