import { describe, expect, it } from 'vitest';
import { dot, testValues } from '../testValues';
import { embeddingGather } from './embedding';
import { expectClose, expectGradient } from './expectations';
import { erf, erfc, gelu, geluBackward } from './gelu';
import { swiglu, swigluBackward } from './swiglu';
import cases from './torchCases.json';

// x, Python 3.11's math.erf(x), math.erfc(x) (the C library's).
const ERF_CASES: [number, number, number][] = [
  [0.0, 0.0, 1.0],
  [1e-9, 1.1283791670955127e-9, 0.9999999988716208],
  [0.25, 0.2763263901682369, 0.7236736098317631],
  [0.5, 0.5204998778130465, 0.4795001221869535],
  [1.0, 0.8427007929497149, 0.15729920705028513],
  [1.75, 0.9866716712191824, 0.013328328780817555],
  [2.4999, 0.9995928300996666, 0.0004071699003334514],
  [2.5, 0.999593047982555, 0.0004069520174449589],
  [3.0, 0.9999779095030014, 2.2090496998585438e-5],
  [4.5, 0.9999999998033839, 1.9661604415428873e-10],
  [6.0, 1.0, 2.1519736712498916e-17],
  [-0.5, -0.5204998778130465, 1.5204998778130465],
  [-2.0, -0.9953222650189527, 1.9953222650189528],
  [-3.5, -0.9999992569016276, 1.9999992569016276],
];

describe('swiglu', () => {
  it('equals PyTorch, forward and backward', () => {
    const { gate, up, output, upstream, d_gate, d_up } = cases.swiglu;
    expectClose(swiglu(gate, up), output);
    const { dGate, dUp } = swigluBackward(upstream, gate, up);
    expectClose(dGate, d_gate);
    expectClose(dUp, d_up);
  });

  it.each([1, 9, 32])('has gradients that agree with finite differences at size %i', (size) => {
    const values = (seed: number) => testValues(size, seed, -4, 4);
    const [gate, up, dy] = [values(1), values(2), values(3)];
    const { dGate, dUp } = swigluBackward(dy, gate, up);
    expectGradient((p) => dot(swiglu(p, up), dy), gate, dGate);
    expectGradient((p) => dot(swiglu(gate, p), dy), up, dUp);
  });

  it('stays finite for gates of a thousand', () => {
    expect(Array.from(swiglu([1000, -1000], [2, 2]))).toEqual([2000, -0]);
  });
});

describe('gelu', () => {
  it('equals PyTorch, forward and backward', () => {
    const { x, output, upstream, d_x } = cases.gelu;
    expectClose(gelu(x), output);
    expectClose(geluBackward(upstream, x), d_x);
  });

  it.each([1, 7, 32])('has a gradient that agrees with finite differences at size %i', (size) => {
    const [x, dy] = [testValues(size, 1, -5, 5), testValues(size, 2, -5, 5)];
    expectGradient((p) => dot(gelu(p), dy), x, geluBackward(dy, x));
  });
});

describe('erf', () => {
  it.each(ERF_CASES)('is right to 15 digits at %d', (x, wantErf, wantErfc) => {
    expectClose([erf(x)], [wantErf], { atol: 1e-15, rtol: 1e-15 });
    // The tail is exp(-x * x): the rounding of its argument grows with x * x, relative to the value.
    expectClose([erfc(x)], [wantErfc], { atol: 1e-15, rtol: 1e-13 });
  });
});

describe('embeddingGather', () => {
  it('takes table rows by id and feature rows where a slot is given', () => {
    const out = embeddingGather([1, 2, 3, 4, 5, 6], [2, 0, 1], [70, 80, 90, 100], [-1, 1, -1], 2);
    expect(Array.from(out)).toEqual([5, 6, 90, 100, 3, 4]);
  });

  it('works without image features', () => {
    expect(Array.from(embeddingGather([1, 2], [1, 0, 1], null, null, 1))).toEqual([2, 1, 2]);
  });
});
