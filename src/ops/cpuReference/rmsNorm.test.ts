import { describe, expect, it } from 'vitest';
import { dot, testValues } from '../testValues';
import { expectClose, expectGradient } from './expectations';
import { rmsNorm, rmsNormBackward } from './rmsNorm';
import cases from './torchCases.json';

describe('rmsNorm', () => {
  it('equals PyTorch, forward and backward', () => {
    const { x, weight, output, upstream, eps, ...rest } = cases.rms_norm;
    const { y, rstd } = rmsNorm(x, weight, rest, eps);
    expectClose(y, output);
    expectClose(rmsNormBackward(upstream, x, weight, rstd, rest), rest.d_x);
  });

  it('gives 0, not NaN, for a row of zeros', () => {
    expect(Array.from(rmsNorm([0, 0, 0], [1, 2, 3], { rows: 1, width: 3 }, 1e-6).y)).toEqual([0, 0, 0]);
  });

  it.each([
    { rows: 1, width: 1 },
    { rows: 3, width: 7 },
    { rows: 2, width: 16 },
  ])('has a gradient that agrees with finite differences at $rows x $width', (shape) => {
    const x = testValues(shape.rows * shape.width, 1, 0.2, 2);
    const weight = testValues(shape.width, 2);
    const dy = testValues(x.length, 3);
    const { rstd } = rmsNorm(x, weight, shape, 1e-2);
    const gradient = rmsNormBackward(dy, x, weight, rstd, shape);
    expectGradient((p) => dot(rmsNorm(p, weight, shape, 1e-2).y, dy), x, gradient);
  });
});
