// Global gradient norm, clipping and AdamW over one flat adapter.

import { elementCount, type Tensor } from '../gpu/tensor';
import type { Kernel } from '../gpu/pipelines';
import type { Recorder } from '../gpu/recorder';
import { recorded } from '../gpu/withScope';
import squaresSource from '../../shaders/sum_squares.wgsl?raw';
import adamwSource from '../../shaders/adamw.wgsl?raw';

const SQUARES: Kernel = { name: 'sum_squares.wgsl', source: squaresSource };
const ADAMW: Kernel = { name: 'adamw.wgsl', source: adamwSource };

export interface AdamWOptions {
  /** 1-based count of this update, for the bias correction. */
  step: number;
  learningRate: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  weightDecay: number;
  /** Largest global norm; 0: no clipping. */
  maxGradNorm: number;
}

/**
 * One update of PyTorch's AdamW after clipping g by min(1, max / (norm + 1e-6)), or unclipped for a largest norm of 0.
 * A gradient whose norm is not finite changes nothing but `norm`.
 * @param tensors gradient, weight, moment1, moment2 f32 (P); norm f32 (1) receives the norm before clipping
 */
export function adamw(
  rec: Recorder,
  tensors: { gradient: Tensor; weight: Tensor; moment1: Tensor; moment2: Tensor; norm: Tensor },
  options: AdamWOptions,
): void {
  const count = elementCount(tensors.weight.shape);
  recorded(rec, (scope) => {
    const partials = scope.tensor([64]);
    rec.dispatch(SQUARES, {
      bindings: { x: tensors.gradient, partials },
      uniforms: { count },
      grid: [1],
      flops: 2 * count,
    });
    rec.dispatch(ADAMW, {
      bindings: { ...tensors, partials },
      uniforms: {
        count,
        learningRate: options.learningRate,
        beta1: options.beta1,
        oneMinusBeta1: 1 - options.beta1,
        beta2: options.beta2,
        oneMinusBeta2: 1 - options.beta2,
        epsilon: options.epsilon,
        weightDecay: options.weightDecay,
        correction1: 1 - options.beta1 ** options.step,
        correction2Root: Math.sqrt(1 - options.beta2 ** options.step),
        maxNorm: options.maxGradNorm,
      },
      grid: [Math.ceil(count / 64)],
      flops: 20 * count,
    });
  });
}
