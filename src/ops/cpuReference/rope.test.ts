import { describe, it } from 'vitest';
import { dot, testValues } from '../testValues';
import { expectClose, expectGradient } from './expectations';
import { rope, ropeBackward } from './rope';
import cases from './torchCases.json';

describe('rope', () => {
  it('equals PyTorch, forward and backward, for tables whose halves differ', () => {
    const { x, cos, sin, output, upstream, ...rest } = cases.rope;
    expectClose(rope(x, cos, sin, rest), output);
    expectClose(ropeBackward(upstream, cos, sin, rest), rest.d_x);
  });

  it('turns the pair (x1, x2) of a head by the angle', () => {
    const [c, s] = [Math.cos(0.3), Math.sin(0.3)];
    expectClose(rope([2, 5], [c, c], [s, s], { rows: 1, heads: 1, headSize: 2 }), [2 * c - 5 * s, 5 * c + 2 * s]);
  });

  it('is undone by its backward, since a rotation is orthogonal', () => {
    const shape = { rows: 3, heads: 2, headSize: 4 };
    const angles = testValues(6, 4, -3, 3);
    const table = (f: (a: number) => number): Float64Array =>
      Float64Array.from({ length: 12 }, (_, i) => f(angles[2 * Math.floor(i / 4) + (i % 2)]!));
    const x = testValues(24, 5);
    expectClose(
      ropeBackward(rope(x, table(Math.cos), table(Math.sin), shape), table(Math.cos), table(Math.sin), shape),
      x,
    );
  });

  it.each([
    { rows: 1, heads: 1, headSize: 2 },
    { rows: 3, heads: 3, headSize: 10 },
    { rows: 2, heads: 4, headSize: 16 },
  ])('has a gradient that agrees with finite differences at $rows x $heads x $headSize', (shape) => {
    const { rows, heads, headSize } = shape;
    const [x, dy] = [testValues(rows * heads * headSize, 1), testValues(rows * heads * headSize, 2)];
    const [cos, sin] = [testValues(rows * headSize, 3), testValues(rows * headSize, 4)];
    expectGradient((p) => dot(rope(p, cos, sin, shape), dy), x, ropeBackward(dy, cos, sin, shape));
  });
});
