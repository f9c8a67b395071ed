import { describe, expect, it } from 'vitest';
import { dot, testValues } from '../testValues';
import { expectClose, expectGradient } from './expectations';
import { linear, linearBackwardInput, linearBackwardWeight } from './linear';
import cases from './torchCases.json';

describe('linear', () => {
  it('equals PyTorch, forward and backward', () => {
    const { x, weight, bias, output, upstream, ...rest } = cases.linear;
    expectClose(linear(x, weight, bias, rest), output);
    expectClose(linearBackwardInput(upstream, weight, rest), rest.d_x);
    expectClose(linearBackwardWeight(upstream, x, rest), rest.d_weight);
  });

  it('works without a bias', () => {
    expect(linear([2, 3], [5, 7], null, { rows: 1, inWidth: 2, outWidth: 1 })[0]).toBe(31);
  });

  it.each([
    { rows: 1, inWidth: 1, outWidth: 1 },
    { rows: 3, inWidth: 5, outWidth: 2 },
    { rows: 2, inWidth: 4, outWidth: 9 },
  ])('has gradients that agree with finite differences at $rows x $inWidth -> $outWidth', (shape) => {
    const { rows, inWidth, outWidth } = shape;
    const x = testValues(rows * inWidth, 1);
    const weight = testValues(outWidth * inWidth, 2);
    const dy = testValues(rows * outWidth, 3);
    expectGradient((p) => dot(linear(p, weight, null, shape), dy), x, linearBackwardInput(dy, weight, shape));
    expectGradient((p) => dot(linear(x, p, null, shape), dy), weight, linearBackwardWeight(dy, x, shape));
  });
});
