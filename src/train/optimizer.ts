// The update of the adapter: gradient norm, clipping and AdamW, then a clean gradient for the next step.

import type { Gpu } from '../gpu/gpu';
import { withScope } from '../gpu/withScope';
import type { LoraAdapter } from '../model/lora';
import { adamw } from '../ops/adamw';
import { check } from '../base/errors';
import type { OptimizerOptions } from '../recipe/config';

/**
 * Ends the run at a step whose loss or gradient is not finite. Nothing of the step has been taken over.
 * @param step 1-based @throws train.notFinite
 */
export function checkFinite(value: number, step: number, message: string): void {
  const kept = step === 1 ? 'The adapter is as it began.' : `Adapter and optimizer are as after step ${step - 1}.`;
  const advice = 'Start again with a lower learning_rate, or look for extreme rows in the data.';
  check(Number.isFinite(value), 'train.notFinite', `${message} ${kept}`, advice);
}

/** Zero gradient, before a step's first micro-batch. */
export function clearGradient(gpu: Gpu, adapter: LoraAdapter): void {
  gpu.rec.clear(adapter.gradient);
}

/**
 * One AdamW step with the accumulated gradient.
 * @param step 1-based count of updates of this optimizer, for the bias correction
 * @returns the global gradient norm before clipping
 * @throws train.notFinite when the norm is not finite; weights and both moments are then as before, to the bit
 */
export async function updateAdapter(
  gpu: Gpu,
  adapter: LoraAdapter,
  options: Pick<OptimizerOptions, 'adam_beta1' | 'adam_beta2' | 'adam_epsilon' | 'weight_decay' | 'max_grad_norm'>,
  step: number,
  learningRate: number,
): Promise<number> {
  const { rec } = gpu;
  const { gradient, weight, moment1, moment2 } = adapter;
  const [bytes] = await withScope(rec, (scope) => {
    const norm = scope.tensor([1]);
    adamw(
      rec,
      { gradient, weight, moment1, moment2, norm },
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
    return rec.read(norm);
  });
  gpu.assertHealthy();
  const value = new Float32Array(bytes)[0]!;
  const wanted = 'expected a finite number';
  checkFinite(value, step, `The gradient norm of optimizer step ${step} is ${value}; ${wanted}.`);
  return value;
}
