// One row of a micro-batch in the policy loss: its ratios, its token terms, and their derivatives by logp.
// Knows nothing of other rows: averages are in lossTable.ts and policyLoss.ts.

import type { PolicyLossOptions, PolicyRow, PolicySequence, RowFacts, TokenTerm } from './policyLossTypes';

/** TRL clips the log ratios that vespo adds up. */
const LOG_RATIO_BOUND = 20;

/** Sum of all entries. */
export function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}

function emptyRow(sequence: PolicySequence, mask: Float64Array, options: PolicyLossOptions): PolicyRow {
  const { logp, old, entropy, advantage } = sequence;
  // Masked tokens get ratio 1: their values may be anything, even NaN.
  const logRatios = mask.map((live, t) => (old === null || live === 0 ? 0 : logp[t]! - old[t]!));
  const liveTokens = sum(mask);
  const sequenceRatio = Math.exp(sum(logRatios) / Math.max(1, liveTokens));
  const clipped = logRatios.map((value) => Math.min(LOG_RATIO_BOUND, Math.max(-LOG_RATIO_BOUND, value)));
  const perSequence = options.importance_sampling_level === 'sequence';
  const zeros = (): Float64Array => new Float64Array(mask.length);
  return {
    facts: { advantage, sumLogRatio: sum(clipped), options },
    mask,
    liveTokens,
    entropy,
    ratios: perSequence ? zeros().fill(sequenceRatio) : logRatios.map(Math.exp),
    sequenceRatio,
    value: zeros(),
    kl: zeros(),
    dRatio: zeros(),
    dLogp: zeros(),
  };
}

/** Adds beta times the KL to the row's terms. */
function addKl(row: PolicyRow, logp: ArrayLike<number>, ref: ArrayLike<number>): void {
  const { beta, use_bias_correction_kl: corrected } = row.facts.options;
  for (let t = 0; t < row.mask.length; t++) {
    if (row.mask[t] === 0) continue;
    const gap = ref[t]! - logp[t]!;
    const plain = Math.exp(gap) - gap - 1;
    const factor = corrected ? row.ratios[t]! : 1;
    row.kl[t] = plain * factor;
    row.value[t]! += beta * row.kl[t]!;
    row.dLogp[t]! += beta * factor * (1 - Math.exp(gap));
    if (corrected) row.dRatio[t]! += beta * plain;
  }
}

/**
 * Terms and derivatives of one row.
 * @param mask live tokens @param keep 1 where the policy term acts, 0 where the entropy mask takes it out; null: all
 * @param termOf the loss type's term for the row's tokens
 */
export function policyRow(
  sequence: PolicySequence,
  mask: Float64Array,
  keep: Float64Array | null,
  options: PolicyLossOptions,
  termOf: (row: RowFacts) => TokenTerm,
): PolicyRow {
  const { logp, ref } = sequence;
  const row = emptyRow(sequence, mask, options);
  const term = termOf(row.facts);
  for (let t = 0; t < mask.length; t++) {
    if (mask[t] === 0 || keep?.[t] === 0) continue;
    const { value, dRatio, dLogp } = term(row.ratios[t]!, logp[t]!);
    row.value[t] = value;
    row.dRatio[t] = dRatio;
    row.dLogp[t] = dLogp;
  }
  if (options.beta !== 0 && ref !== null) addKl(row, logp, ref);
  return row;
}

/** d loss / d logp of the row: the direct part, and the part through the ratio (own, or the whole sequence's). */
export function rowCoefficients({ facts, mask, liveTokens, ...row }: PolicyRow, weight: number): Float64Array {
  const throughRatio = row.dRatio.map((slope, t) => slope * row.ratios[t]! * mask[t]! * weight);
  const perSequence = facts.options.importance_sampling_level === 'sequence';
  const shared = perSequence ? sum(throughRatio) / Math.max(1, liveTokens) : 0;
  return mask.map((live, t) => row.dLogp[t]! * live * weight + (perSequence ? shared * live : throughRatio[t]!));
}
