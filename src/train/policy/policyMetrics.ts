// TRL's metrics of one micro-batch's policy loss. Pure; the loss itself is in policyLoss.ts.

import { epsilonHighOf, gammaWeight } from './lossTerms';
import type { PolicyLossOptions, PolicyRow } from './policyLossTypes';

/** Figures of the ratio for one kind of loss. */
export type RatioMetrics = (rows: readonly PolicyRow[], options: PolicyLossOptions) => Record<string, number>;

function mean(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0) / Math.max(1, values.length);
}

/** Mean over the live tokens of all rows; 0 without any. */
function tokenMean(rows: readonly PolicyRow[], valuesOf: (row: PolicyRow) => ArrayLike<number>): number {
  let total = 0;
  let count = 0;
  for (const row of rows) {
    const values = valuesOf(row);
    for (let t = 0; t < row.mask.length; t++) {
      if (row.mask[t] === 0) continue;
      total += values[t]! * row.mask[t]!;
      count += row.mask[t]!;
    }
  }
  return total / Math.max(1, count);
}

interface Share {
  /** Over the micro-batch: of the live tokens, or of the rows (masked ones too) at level `sequence`. */
  mean: number;
  /** Per row; NaN for a row without live tokens at level `token`. */
  rows: number[];
}

/** How often the ratio of a token, or of a row at level `sequence`, meets the condition. */
function shareOf(
  rows: readonly PolicyRow[],
  options: PolicyLossOptions,
  meets: (ratio: number, advantage: number) => boolean,
): Share {
  if (options.importance_sampling_level === 'sequence') {
    const flags = rows.map((row) => Number(meets(row.sequenceRatio, row.facts.advantage)));
    return { mean: mean(flags), rows: flags };
  }
  const flagsOf = (row: PolicyRow): Float64Array =>
    row.ratios.map((ratio, t) => row.mask[t]! * Number(meets(ratio, row.facts.advantage)));
  const shares = rows.map((row) => flagsOf(row).reduce((total, value) => total + value, 0) / row.liveTokens);
  return { mean: tokenMean(rows, flagsOf), rows: shares };
}

/** Least and greatest of the numbers that are not NaN; NaN when there is none. */
function nanExtremes(values: readonly number[]): { min: number; max: number } {
  const live = values.filter((value) => !Number.isNaN(value));
  return live.length === 0 ? { min: NaN, max: NaN } : { min: Math.min(...live), max: Math.max(...live) };
}

/** clip_ratio/{low,high,region}_mean, clip_ratio/low_min and clip_ratio/high_max, of the ratio bounded by delta. */
export const clipMetrics: RatioMetrics = (rows, options) => {
  const bounded = (ratio: number): number => Math.min(ratio, options.delta ?? Infinity);
  const low = shareOf(rows, options, (ratio, advantage) => bounded(ratio) < 1 - options.epsilon && advantage < 0);
  const bound = 1 + epsilonHighOf(options);
  const high = shareOf(rows, options, (ratio, advantage) => bounded(ratio) > bound && advantage > 0);
  return {
    'clip_ratio/low_mean': low.mean,
    'clip_ratio/high_mean': high.mean,
    // A token is low-clipped with A < 0 and high-clipped with A > 0, never both.
    'clip_ratio/region_mean': low.mean + high.mean,
    'clip_ratio/low_min': nanExtremes(low.rows).min,
    'clip_ratio/high_max': nanExtremes(high.rows).max,
  };
};

/** cispo_clip_ratio: the share above the bound with a positive advantage. */
export const cispoMetrics: RatioMetrics = (rows, options) => {
  const bound = epsilonHighOf(options);
  return { cispo_clip_ratio: shareOf(rows, options, (ratio, advantage) => ratio > bound && advantage > 0).mean };
};

/** vespo/phi_seq_mean: the mean weight of the rows; a row without live tokens weighs 1. */
export const vespoMetrics: RatioMetrics = (rows) => ({
  'vespo/phi_seq_mean': mean(rows.map(({ facts }) => gammaWeight(facts))),
});

/** kl (with beta, after correction) and entropy: means over live tokens, the entropy mask left aside. */
export function tokenMetrics(rows: readonly PolicyRow[], { beta }: PolicyLossOptions): Record<string, number> {
  return {
    ...(beta === 0 ? {} : { kl: tokenMean(rows, ({ kl }) => kl) }),
    entropy: tokenMean(rows, ({ entropy }) => entropy),
  };
}

/**
 * What TRL logs for several records of one step: the mean by name over the records that have a number there.
 * @returns NaN for a name that no record has a number for (TRL logs None)
 * Source: TRL 1.16 `log`.
 */
export function meanOfMetrics(records: readonly Record<string, number>[]): Record<string, number> {
  const names = new Set(records.flatMap(Object.keys));
  return Object.fromEntries(
    [...names].map((name) => {
      const values = records
        .map((record) => record[name])
        .filter((value): value is number => value !== undefined && !Number.isNaN(value));
      return [name, values.length === 0 ? NaN : mean(values)];
    }),
  );
}
