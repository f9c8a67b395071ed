import { describe, expect, it } from 'vitest';
import { checkGradient, finiteDifferences } from './gradCheck';

const cube = (x: Float64Array): number => x.reduce((sum, value) => sum + value ** 3, 0);

describe('gradCheck', () => {
  it('finds the derivative of a cubic to ten digits', () => {
    const got = finiteDifferences(cube, Float64Array.of(0.5, -2, 3));
    [0.75, 12, 27].forEach((want, i) => expect(Math.abs(got[i]! - want)).toBeLessThan(1e-8));
  });

  it('accepts a right gradient and names the element of a wrong one', () => {
    const x = Float64Array.of(0.5, -2, 3);
    expect(checkGradient(cube, x, [0.75, 12, 27]).pass).toBe(true);
    expect(checkGradient(cube, x, [0.75, 12.001, 27])).toMatchObject({ pass: false, index: 1, got: 12.001 });
  });

  it('refuses a gradient that is not a number', () => {
    expect(checkGradient(cube, Float64Array.of(1, 2), [3, NaN])).toMatchObject({ pass: false, index: 1 });
  });

  it('refuses a gradient of another length', () => {
    expect(() => checkGradient(cube, Float64Array.of(1, 2), [3])).toThrow(RangeError);
  });
});
