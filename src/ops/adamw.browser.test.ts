import { describe, it } from 'vitest';
import { VARIANTS, withGpu } from '../gpu/testGpu';
import { adamw } from './adamw';
import { adamWStep, clipFactor, globalNorm } from './cpuReference/adamW';
import { expectTensor } from './testing/expectTensor';
import { testValues } from './testValues';

const STEPS = 5;
const LEARNING_RATE = 0.01;

const SCENES = [
  { name: 'one parameter, no clipping, no decay', count: 1, maxGradNorm: 0, weightDecay: 0 },
  { name: 'a large norm, no clipping, with decay', count: 130, maxGradNorm: 0, weightDecay: 0.01 },
  { name: 'a norm above the limit, with decay', count: 67, maxGradNorm: 1, weightDecay: 0.1 },
  { name: 'a norm below the limit', count: 1000, maxGradNorm: 1e6, weightDecay: 0.01 },
];

/** Gradients of one step: among ordinary ones some zeros and some very small. */
function gradientsOf(step: number, count: number): Float64Array {
  return testValues(count, 10 + step, -2, 2).map((v, i) =>
    i % 7 === 5 ? 0 : i % 7 === 6 ? Math.fround(v * 1e-12) : v,
  );
}

describe.each(VARIANTS)('adamw, %s kernels', (variant) => {
  it.each(SCENES)('follows the reference over five steps: $name', async ({ count, maxGradNorm, weightDecay }) => {
    const constants = { learningRate: LEARNING_RATE, beta1: 0.9, beta2: 0.999, weightDecay };
    // Small weights, as an adapter has: the updates are then compared to many digits.
    const start = testValues(count, 1, -0.05, 0.05);
    const state = { parameter: start.slice(), m: new Float64Array(count), v: new Float64Array(count) };
    await withGpu(variant, async ({ rec, input, output, read }) => {
      const weight = input(start);
      const [moment1, moment2] = [input(new Float32Array(count)), input(new Float32Array(count))];
      const norm = output([1]);
      for (let step = 1; step <= STEPS; step++) {
        const gradient = gradientsOf(step, count);
        const wantNorm = globalNorm([gradient]);
        const clipped = gradient.map((g) => g * clipFactor(wantNorm, maxGradNorm));
        adamWStep(state, clipped, step, { ...constants, eps: 1e-8 });
        const options = { ...constants, step, epsilon: 1e-8, maxGradNorm };
        adamw(rec, { gradient: input(gradient), weight, moment1, moment2, norm }, options);
        const [gotNorm, gotWeight, gotM, gotV] = await read(norm, weight, moment1, moment2);
        expectTensor(`norm, step ${step}`, gotNorm, [wantNorm], [1]);
        expectTensor(`weight, step ${step}`, gotWeight, state.parameter, [count], { scale: LEARNING_RATE });
        expectTensor(`m, step ${step}`, gotM, state.m, [count]);
        expectTensor(`v, step ${step}`, gotV, state.v, [count]);
      }
    });
  });
});
