// The update of the adapter: gradient norm, clipping and AdamW, then a clean gradient for the next step.

import type { Gpu } from '../gpu/gpu';
import type { LoraAdapter } from '../model/lora';
import { adamw } from '../ops/adamw';
import { check } from '../base/errors';
import type { OptimizerOptions } from './config';

/** Zero gradient, before a step's first micro-batch. */
export function clearGradient(gpu: Gpu, adapter: LoraAdapter): void {
  gpu.rec.clear(adapter.gradient);
}

/**
 * One AdamW step with the accumulated gradient.
 * @param step 1-based count of updates of this optimizer, for the bias correction
 * @returns the global gradient norm before clipping
 * @throws train.notFinite when the norm is not finite; the adapter is then left as it was
 */
export async function updateAdapter(
  gpu: Gpu,
  adapter: LoraAdapter,
  options: Pick<OptimizerOptions, 'adam_beta1' | 'adam_beta2' | 'adam_epsilon' | 'weight_decay' | 'max_grad_norm'>,
  step: number,
  learningRate: number,
): Promise<number> {
  const { rec } = gpu;
  const scope = rec.scope();
  const norm = scope.tensor([1]);
  const before = scope.tensor(adapter.weight.shape);
  rec.copy(adapter.weight, before);
  adamw(
    rec,
    {
      gradient: adapter.gradient,
      weight: adapter.weight,
      moment1: adapter.moment1,
      moment2: adapter.moment2,
      norm,
    },
    {
      step,
      learningRate,
      beta1: options.adam_beta1,
      beta2: options.adam_beta2,
      epsilon: options.adam_epsilon,
      weightDecay: options.weight_decay,
      maxGradNorm: options.max_grad_norm,
    },
  );
  const [bytes] = await rec.read(norm);
  gpu.assertHealthy();
  const value = new Float32Array(bytes)[0]!;
  if (!Number.isFinite(value)) {
    rec.copy(before, adapter.weight);
    await rec.submit();
  }
  scope.release();
  check(
    Number.isFinite(value),
    'train.notFinite',
    `the gradient norm of update ${step} is ${value}; the adapter was left as it was before`,
    'Lower the learning rate, or check the data for extreme rows.',
  );
  return value;
}
