// The policy loss of GRPO as a pure function of log-probabilities: loss, metrics, and per token the coefficients
// (c, e) with which the head's backward minimises sum(c logp) + sum(e H). No GPU, no tokens, no model.

import { check } from '../../base/errors';
import { highEntropyMask } from './entropyMask';
import { LOSS_TABLE } from './lossTable';
import type { ReductionInput } from './lossTable';
import type { Accumulation, PolicyLossOptions, PolicyRow, PolicySequence } from './policyLossTypes';
import { tokenMetrics } from './policyMetrics';
import { policyRow, rowCoefficients, sum } from './policyRow';

export interface PolicyLoss {
  /** The micro-batch's part of the step's loss: already divided for accumulation. */
  loss: number;
  /** Per sequence and token: d loss / d logp. */
  c: Float64Array[];
  /** Per sequence and token: d loss / d entropy. */
  e: Float64Array[];
  /** TRL's kl, entropy, figures of the ratio, policy_loss and entropy_coef of this micro-batch; NaN where undefined. */
  metrics: Record<string, number>;
}

/** The mask in use: zero for truncated rows when they are masked out. */
export function liveMask(
  sequence: Pick<PolicySequence, 'mask' | 'truncated'>,
  options: Pick<PolicyLossOptions, 'mask_truncated_completions'>,
): Float64Array {
  const dropped = options.mask_truncated_completions && sequence.truncated === true;
  return Float64Array.from(sequence.mask, (value) => (dropped ? 0 : value));
}

function checkSequences(sequences: readonly PolicySequence[], options: PolicyLossOptions): void {
  for (const [i, { logp, old, ref, entropy, mask }] of sequences.entries()) {
    const lengths = [logp, entropy, mask, old ?? logp, ref ?? logp].map((values) => values.length);
    check(
      new Set(lengths).size === 1,
      'policyLoss.shape',
      `sequence ${i}: arrays of different lengths: ${lengths.join(', ')}`,
    );
    check(options.beta === 0 || ref !== null, 'policyLoss.reference', `sequence ${i}: beta needs reference values`);
  }
}

/** - coef x mean entropy over the tokens that the policy term keeps. */
function entropyBonus(
  rows: readonly PolicyRow[],
  keep: readonly Float64Array[] | null,
  coefficient: number,
): { loss: number; e: Float64Array[] } {
  const live = rows.map(({ mask }, i) => (keep === null ? mask : mask.map((value, t) => value * keep[i]![t]!)));
  const count = Math.max(
    1,
    live.reduce((total, mask) => total + sum(mask), 0),
  );
  const e = live.map((mask) => mask.map((value) => (coefficient === 0 ? 0 : (-coefficient * value) / count)));
  const weighted = (row: Float64Array, i: number): Float64Array =>
    row.map((value, t) => (value === 0 ? 0 : value * rows[i]!.entropy[t]!));
  const loss = e.reduce((total, row, i) => total + sum(weighted(row, i)), 0);
  return { loss, e };
}

/**
 * Loss, coefficients and metrics of one micro-batch.
 * @param sequences the rows of the micro-batch; a row may have no tokens, or no live ones
 * @param options every option of the loss @param accumulation where the micro-batch stands
 * @throws policyLoss.shape, policyLoss.reference
 * Source: TRL 1.16 `_compute_loss`; derivatives by hand, checked against finite differences and TRL's own gradients.
 */
export function policyLoss(
  sequences: readonly PolicySequence[],
  options: PolicyLossOptions,
  accumulation: Accumulation,
): PolicyLoss {
  checkSequences(sequences, options);
  const masks = sequences.map((sequence) => liveMask(sequence, options));
  const keep = highEntropyMask(
    sequences.map(({ entropy }) => entropy),
    masks,
    options.top_entropy_quantile,
  );
  const type = LOSS_TABLE[options.loss_type];
  const rows = sequences.map((sequence, i) => policyRow(sequence, masks[i]!, keep?.[i] ?? null, options, type.term));
  const reduction: ReductionInput = {
    ...accumulation,
    liveTokens: rows.map(({ liveTokens }) => liveTokens),
    maxCompletionLength: options.max_completion_length,
  };
  const divisors = type.rowDivisors(reduction);
  const share = type.accumulationDivisor(reduction);
  const rowSums = rows.map(({ mask, value }) => sum(mask.map((live, t) => live * value[t]!)));
  const undivided = rowSums.reduce((total, value, i) => total + value / divisors[i]!, 0);
  const bonus = entropyBonus(rows, keep, options.entropy_coef / accumulation.gradientAccumulationSteps);
  const metrics = {
    ...tokenMetrics(rows, options),
    ...type.metrics?.(rows, options),
    ...(options.entropy_coef === 0 ? {} : { policy_loss: undivided, entropy_coef: options.entropy_coef }),
  };
  const c = rows.map((row, i) => rowCoefficients(row, 1 / (divisors[i]! * share)));
  return { loss: undivided / share + bonus.loss, c, e: bonus.e, metrics };
}
