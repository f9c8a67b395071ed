// The policy loss of GRPO as a pure function of log-probabilities: loss, metrics, and per token the coefficients
// (c, e) with which the head's backward minimises sum(c logp) + sum(e H). No GPU, no tokens, no model.

import { check } from '../base/errors';
import { highEntropyMask } from './entropyMask';
import { LOSS_TYPES } from './lossTable';
import type { ReductionInput } from './lossTable';
import type { Accumulation, PolicyLossOptions, PolicySequence } from './policyLossTypes';
import { policyMetrics } from './policyMetrics';

export interface PolicyLoss {
  /** The micro-batch's part of the step's loss: already divided for accumulation. */
  loss: number;
  /** Per sequence and token: d loss / d logp. */
  c: Float64Array[];
  /** Per sequence and token: d loss / d entropy. */
  e: Float64Array[];
  /** TRL's kl, entropy, clip_ratio/..., policy_loss, entropy_coef of this micro-batch. */
  metrics: Record<string, number>;
}

/** The mask in use: zero for truncated rows when they are masked out. */
export function liveMask(sequence: PolicySequence, options: PolicyLossOptions): Float64Array {
  const dropped = options.mask_truncated_completions && sequence.truncated === true;
  return Float64Array.from(sequence.mask, (value) => (dropped ? 0 : value));
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Ratios by token; for level `sequence` all entries are the sequence's one ratio. */
function ratiosOf(sequence: PolicySequence, mask: Float64Array, perSequence: boolean): Float64Array {
  const { logp, old } = sequence;
  // Masked tokens get ratio 1: their values may be anything, even NaN.
  const logRatios = mask.map((live, t) => (old === null || live === 0 ? 0 : logp[t] - old[t]));
  if (!perSequence) return logRatios.map(Math.exp);
  const mean = sum(logRatios) / Math.max(1, sum(mask));
  return logRatios.fill(Math.exp(mean));
}

interface TokenTerms {
  /** The token's whole term: policy (entropy mask applied) plus beta times KL. */
  value: Float64Array;
  /** KL after correction. */
  kl: Float64Array;
  /** Derivative of the token's whole term by its ratio, and by its own logp with the ratio held. */
  dRatio: Float64Array;
  dLogp: Float64Array;
}

function tokenTerms(
  sequence: PolicySequence,
  ratios: Float64Array,
  mask: Float64Array,
  keep: Float64Array | null,
  options: PolicyLossOptions,
): TokenTerms {
  const { logp, ref, advantage } = sequence;
  const { beta, epsilon, use_bias_correction_kl: corrected } = options;
  const { term } = LOSS_TYPES[options.loss_type];
  const bounds = {
    advantage,
    low: 1 - epsilon,
    high: 1 + (options.epsilon_high ?? epsilon),
    delta: options.delta ?? Infinity,
  };
  const zeros = (): Float64Array => new Float64Array(ratios.length);
  const out: TokenTerms = { value: zeros(), kl: zeros(), dRatio: zeros(), dLogp: zeros() };
  for (let t = 0; t < ratios.length; t++) {
    if (mask[t] === 0) continue;
    const kept = keep === null ? 1 : keep[t];
    const policy = term({ ratio: ratios[t], ...bounds });
    out.value[t] = kept * policy.value;
    out.dRatio[t] = kept * policy.dRatio;
    if (beta === 0 || ref === null) continue;
    const gap = ref[t] - logp[t];
    const plain = Math.exp(gap) - gap - 1;
    const factor = corrected ? ratios[t] : 1;
    out.kl[t] = plain * factor;
    out.value[t] += beta * out.kl[t];
    out.dLogp[t] = beta * factor * (1 - Math.exp(gap));
    if (corrected) out.dRatio[t] += beta * plain;
  }
  return out;
}

/** d loss / d logp of one row: the direct part, and the part through the ratio (own, or the whole sequence's). */
function rowCoefficients(
  terms: TokenTerms,
  ratios: Float64Array,
  mask: Float64Array,
  weight: number,
  perSequence: boolean,
): Float64Array {
  const throughRatio = terms.dRatio.map((slope, t) => slope * ratios[t] * mask[t] * weight);
  const shared = perSequence ? sum(throughRatio) / Math.max(1, sum(mask)) : 0;
  return mask.map((live, t) => terms.dLogp[t] * live * weight + (perSequence ? shared * live : throughRatio[t]));
}

function checkSequences(sequences: readonly PolicySequence[], options: PolicyLossOptions): void {
  for (const [i, { logp, old, ref, entropy, mask }] of sequences.entries()) {
    const lengths = [logp, entropy, mask, old ?? logp, ref ?? logp].map((values) => values.length);
    check(new Set(lengths).size === 1, 'policyLoss.shape', `sequence ${i}: arrays of different lengths: ${lengths}`);
    check(options.beta === 0 || ref !== null, 'policyLoss.reference', `sequence ${i}: beta needs reference values`);
  }
}

/**
 * Loss, coefficients and metrics of one micro-batch.
 * @param sequences the rows of the micro-batch @param options every option of the loss
 * @param accumulation where the micro-batch stands
 * @throws policyLoss.shape, policyLoss.reference
 * Source: TRL 1.16 `_compute_loss`; derivatives by hand, checked against finite differences.
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
  const perSequence = options.importance_sampling_level === 'sequence';
  const reduction: ReductionInput = { ...accumulation, liveTokens: masks.map(sum) };
  const row = LOSS_TYPES[options.loss_type];
  const divisors = row.rowDivisors(reduction);
  const share = row.accumulationDivisor(reduction);

  const ratios = sequences.map((sequence, i) => ratiosOf(sequence, masks[i], perSequence));
  const terms = sequences.map((sequence, i) => tokenTerms(sequence, ratios[i], masks[i], keep?.[i] ?? null, options));
  const rowSums = terms.map(({ value }, i) => sum(masks[i].map((live, t) => live * value[t])));
  const undivided = rowSums.reduce((total, value, i) => total + value / divisors[i], 0);
  const c = terms.map((term, i) => rowCoefficients(term, ratios[i], masks[i], 1 / (divisors[i] * share), perSequence));
  const bonus = entropyBonus(sequences, masks, keep, options.entropy_coef / accumulation.gradientAccumulationSteps);
  const kl = terms.map((term) => term.kl);
  const metrics = {
    ...policyMetrics(sequences, masks, ratios, kl, options),
    ...(options.entropy_coef === 0 ? {} : { policy_loss: undivided, entropy_coef: options.entropy_coef }),
  };
  return { loss: undivided / share + bonus.loss, c, e: bonus.e, metrics };
}

/** - coef x mean entropy over the tokens that the policy term keeps. */
function entropyBonus(
  sequences: readonly PolicySequence[],
  masks: readonly Float64Array[],
  keep: readonly Float64Array[] | null,
  coefficient: number,
): { loss: number; e: Float64Array[] } {
  const live = masks.map((mask, i) => (keep === null ? mask : mask.map((value, t) => value * keep[i][t])));
  const count = Math.max(
    1,
    live.reduce((total, mask) => total + sum(mask), 0),
  );
  const e = live.map((mask) => mask.map((value) => (coefficient === 0 ? 0 : (-coefficient * value) / count)));
  const weighted = (row: Float64Array, i: number): Float64Array =>
    row.map((value, t) => (value === 0 ? 0 : value * sequences[i].entropy[t]));
  const loss = e.reduce((total, row, i) => total + sum(weighted(row, i)), 0);
  return { loss, e };
}

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

/** Means by name over the records that have a number there. */
function meanRecord(records: readonly Record<string, number>[]): Record<string, number> {
  const names = new Set(records.flatMap(Object.keys));
  return Object.fromEntries(
    [...names].map((name) => {
      const values = records.map((record) => record[name]).filter((value) => value !== undefined);
      return [name, values.reduce((total, value) => total + value, 0) / values.length];
    }),
  );
}

/**
 * The loss of one optimizer step that holds one whole generation batch (steps_per_generation = accumulation).
 * @param sequences all rows of the step, in any order
 * @param microBatches row indices of each micro-batch; every row in exactly one
 * @throws policyLoss.shape, policyLoss.reference
 */
export function policyStepLoss(
  sequences: readonly PolicySequence[],
  microBatches: readonly ArrayLike<number>[],
  options: PolicyLossOptions,
): PolicyStepLoss {
  const count = microBatches.length;
  const itemsInBatch = sequences.reduce((total, sequence) => total + sum(liveMask(sequence, options)), 0);
  const accumulation = { gradientAccumulationSteps: count, stepsPerGeneration: count, itemsInBatch };
  const c: Float64Array[] = new Array(sequences.length);
  const e: Float64Array[] = new Array(sequences.length);
  const parts = microBatches.map((rows) => {
    const part = policyLoss(
      Array.from(rows, (row) => sequences[row]),
      options,
      accumulation,
    );
    Array.from(rows).forEach((row, i) => {
      c[row] = part.c[i];
      e[row] = part.e[i];
    });
    return part;
  });
  const microLosses = parts.map(({ loss }) => loss);
  const microMetrics = parts.map(({ metrics }) => metrics);
  const loss = microLosses.reduce((total, value) => total + value, 0);
  return { loss, c, e, microLosses, microMetrics, metrics: meanRecord(microMetrics) };
}
