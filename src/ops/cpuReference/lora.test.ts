import { describe, expect, it } from 'vitest';
import { dot, testValues } from '../testValues';
import { expectClose, expectGradient } from './expectations';
import { loraBackward, loraForward } from './lora';
import cases from './torchCases.json';

describe('lora', () => {
  it('equals PyTorch with a dropout mask, forward and backward', () => {
    const { x, a, b, mask, scale, output, upstream, ...rest } = cases.lora;
    const { y, down } = loraForward(x, a, b, rest, scale, mask);
    expectClose(y, output);
    const { dA, dB, dx } = loraBackward(upstream, x, a, b, down, rest, scale, mask);
    expectClose(dA, rest.d_a);
    expectClose(dB, rest.d_b);
    expectClose(dx, rest.d_x);
  });

  it.each([
    { rows: 1, inWidth: 1, rank: 1, outWidth: 1, dropout: false },
    { rows: 3, inWidth: 7, rank: 2, outWidth: 5, dropout: false },
    { rows: 4, inWidth: 5, rank: 3, outWidth: 9, dropout: true },
  ])('has gradients that agree with finite differences: $rows rows, rank $rank, dropout $dropout', (shape) => {
    const { rows, inWidth, rank, outWidth } = shape;
    const x = testValues(rows * inWidth, 1);
    const a = testValues(rank * inWidth, 2);
    const b = testValues(outWidth * rank, 3);
    const dy = testValues(rows * outWidth, 4);
    const mask = shape.dropout ? testValues(rows * inWidth, 5).map((value) => (value > -0.4 ? 1 / 0.7 : 0)) : null;
    const { down } = loraForward(x, a, b, shape, 1.5, mask);
    const { dA, dB, dx } = loraBackward(dy, x, a, b, down, shape, 1.5, mask);
    expectGradient((p) => dot(loraForward(x, p, b, shape, 1.5, mask).y, dy), a, dA);
    expectGradient((p) => dot(loraForward(x, a, p, shape, 1.5, mask).y, dy), b, dB);
    expectGradient((p) => dot(loraForward(p, a, b, shape, 1.5, mask).y, dy), x, dx);
  });

  it('adds nothing and moves only B when B is zero, as at the start of training', () => {
    const shape = { rows: 2, inWidth: 3, rank: 2, outWidth: 2 };
    const [x, a, dy] = [testValues(6, 1), testValues(6, 2), testValues(4, 3)];
    const b = new Float64Array(4);
    const { y, down } = loraForward(x, a, b, shape, 2);
    const { dA, dB, dx } = loraBackward(dy, x, a, b, down, shape, 2);
    expect([...y, ...dA, ...dx].every((value) => value === 0)).toBe(true);
    expect(dB.every((value) => value !== 0)).toBe(true);
  });
});
