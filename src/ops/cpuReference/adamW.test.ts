import { describe, expect, it } from 'vitest';
import { adamWStep, clipFactor, globalNorm } from './adamW';
import { expectClose } from './expectations';
import cases from './torchCases.json';

describe('adamW', () => {
  it('follows PyTorch over five clipped steps with decay: parameter and both moments', () => {
    const { start, options, maxNorm, steps } = cases.adamw;
    const state = {
      parameter: Float64Array.from(start),
      m: new Float64Array(start.length),
      v: new Float64Array(start.length),
    };
    steps.forEach((want, index) => {
      const norm = globalNorm([want.gradient]);
      expectClose([norm], [want.norm]);
      const clipped = want.gradient.map((value) => value * clipFactor(norm, maxNorm));
      expectClose(clipped, want.clipped);
      adamWStep(state, clipped, index + 1, options);
      expectClose(state.parameter, want.parameter);
      expectClose(state.m, want.m);
      expectClose(state.v, want.v);
    });
  });

  it('moves by the learning rate in the first step, whatever the size of the gradient', () => {
    const options = { learningRate: 0.1, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0 };
    const state = { parameter: Float64Array.of(1, 1), m: new Float64Array(2), v: new Float64Array(2) };
    adamWStep(state, [1e3, -1e-3], 1, options);
    // eps is 1e-5 of the smaller gradient: its step is shorter than the rate by 1e-6.
    expectClose(state.parameter, [0.9, 1.1], { atol: 1e-5, rtol: 0 });
  });

  it('takes one norm over all tensors and leaves small gradients alone', () => {
    expect(globalNorm([[3], [0, 4]])).toBe(5);
    expect(clipFactor(0.5, 1)).toBe(1);
    expectClose([clipFactor(5, 1)], [1 / 5.000001]);
  });

  it('does not clip for a largest norm of 0', () => {
    expect(clipFactor(1e6, 0)).toBe(1);
  });
});
