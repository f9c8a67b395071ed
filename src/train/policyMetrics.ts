// TRL's metrics of one micro-batch's policy loss. Pure; the loss itself is in policyLoss.ts.

import type { PolicyLossOptions, PolicySequence } from './policyLossTypes';

/** Mean over live tokens of a value per row and token. */
function tokenMean(values: readonly ArrayLike<number>[], masks: readonly Float64Array[]): number {
  let total = 0;
  let count = 0;
  masks.forEach((mask, i) => {
    for (let t = 0; t < mask.length; t++) {
      if (mask[t] === 0) continue;
      total += values[i][t] * mask[t];
      count += mask[t];
    }
  });
  return total / Math.max(1, count);
}

/** Least and greatest of the numbers that are not NaN; NaN when there is none. */
function nanExtremes(values: readonly number[]): { min: number; max: number } {
  const live = values.filter((value) => !Number.isNaN(value));
  return live.length === 0 ? { min: NaN, max: NaN } : { min: Math.min(...live), max: Math.max(...live) };
}

interface ClipShare {
  /** Over the micro-batch: by live token, or by row for level `sequence`. */
  mean: number;
  /** Per row; NaN for a row without live tokens at level `token`. */
  rows: number[];
}

function clipShare(flags: readonly Float64Array[], masks: readonly Float64Array[], perSequence: boolean): ClipShare {
  if (perSequence) {
    // One ratio per row: every entry of a row's flags is equal, masked or not.
    const rows = flags.map((row) => row[0] ?? NaN);
    const known = rows.filter((value) => !Number.isNaN(value));
    return { mean: known.reduce((total, value) => total + value, 0) / Math.max(1, flags.length), rows };
  }
  const rows = flags.map((row, i) => {
    const live = masks[i].reduce((total, value) => total + value, 0);
    return row.reduce((total, value, t) => total + value * masks[i][t], 0) / live;
  });
  return { mean: tokenMean(flags, masks), rows };
}

/**
 * kl (with beta), entropy, clip_ratio/{low,high,region}_mean, clip_ratio/low_min, clip_ratio/high_max.
 * @param masks live masks @param ratios before clipping @param kl after correction; all per row and token
 * Source: TRL 1.16 `_compute_loss`.
 */
export function policyMetrics(
  sequences: readonly PolicySequence[],
  masks: readonly Float64Array[],
  ratios: readonly Float64Array[],
  kl: readonly Float64Array[],
  options: PolicyLossOptions,
): Record<string, number> {
  const { epsilon, epsilon_high: epsilonHigh, delta } = options;
  const high = 1 + (epsilonHigh ?? epsilon);
  const flagsOf = (isClipped: (ratio: number, advantage: number) => boolean): Float64Array[] =>
    ratios.map((row, i) =>
      row.map((ratio) => Number(isClipped(Math.min(ratio, delta ?? Infinity), sequences[i].advantage))),
    );
  const lowFlags = flagsOf((ratio, advantage) => ratio < 1 - epsilon && advantage < 0);
  const highFlags = flagsOf((ratio, advantage) => ratio > high && advantage > 0);
  const perSequence = options.importance_sampling_level === 'sequence';
  const lowShare = clipShare(lowFlags, masks, perSequence);
  const highShare = clipShare(highFlags, masks, perSequence);
  return {
    ...(options.beta === 0 ? {} : { kl: tokenMean(kl, masks) }),
    entropy: tokenMean(
      sequences.map(({ entropy }) => entropy),
      masks,
    ),
    'clip_ratio/low_mean': lowShare.mean,
    'clip_ratio/high_mean': highShare.mean,
    // A token is low-clipped with A < 0 and high-clipped with A > 0, never both.
    'clip_ratio/region_mean': lowShare.mean + highShare.mean,
    'clip_ratio/low_min': nanExtremes(lowShare.rows).min,
    'clip_ratio/high_max': nanExtremes(highShare.rows).max,
  };
}
