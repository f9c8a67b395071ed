// The policy loss over the micro-batches of a reference case. The trainer sums its own micro-batches.

import { liveMask, policyLoss } from '../../train/policy/policyLoss';
import type { Accumulation, PolicyLossOptions, PolicySequence } from '../../train/policy/policyLossTypes';
import { meanOfMetrics } from '../../train/policy/policyMetrics';

export interface PolicyStepLoss {
  /** Sum over the micro-batches: the loss TRL logs. */
  loss: number;
  /** Per sequence of the step. */
  c: Float64Array[];
  e: Float64Array[];
  microLosses: number[];
  microMetrics: Record<string, number>[];
  /** Means over the micro-batches, as TRL logs them. */
  metrics: Record<string, number>;
}

/**
 * The loss summed over micro-batches that together hold one whole generation batch.
 * @param sequences all rows, in any order
 * @param microBatches row indices of each micro-batch; every row in exactly one
 * @param accumulation left out: one optimizer step holds them all
 * @throws policyLoss.shape, policyLoss.reference
 */
export function policyStepLoss(
  sequences: readonly PolicySequence[],
  microBatches: readonly ArrayLike<number>[],
  options: PolicyLossOptions,
  accumulation: Partial<Accumulation> = {},
): PolicyStepLoss {
  const count = microBatches.length;
  const itemsInBatch = sequences.reduce(
    (total, sequence) => total + liveMask(sequence, options).reduce((a, b) => a + b, 0),
    0,
  );
  const place = { gradientAccumulationSteps: count, stepsPerGeneration: count, itemsInBatch, ...accumulation };
  const c = new Array<Float64Array>(sequences.length);
  const e = new Array<Float64Array>(sequences.length);
  const parts = microBatches.map((rows) => {
    const part = policyLoss(
      Array.from(rows, (row) => sequences[row]!),
      options,
      place,
    );
    Array.from(rows).forEach((row, i) => {
      c[row] = part.c[i]!;
      e[row] = part.e[i]!;
    });
    return part;
  });
  const microLosses = parts.map(({ loss }) => loss);
  const microMetrics = parts.map(({ metrics }) => metrics);
  const loss = microLosses.reduce((total, value) => total + value, 0);
  return { loss, c, e, microLosses, microMetrics, metrics: meanOfMetrics(microMetrics) };
}
