// Rewards of a generation batch to advantages, exactly as TRL 1.16. Pure; knows nothing of tokens.

import { check } from '../base/errors';
import type { GrpoOptions } from '../recipe/config';

export interface AdvantageInput {
  /** Per completion (the groups in a row), per reward function; null: the function does not apply. */
  rewards: (number | null)[][];
  /** Names of the reward functions, for the metrics. */
  names: string[];
  /** Weight of each function. */
  weights: readonly number[];
  numGenerations: number;
  scaleRewards: GrpoOptions['scale_rewards'];
  /** TRL's multi_objective_aggregation; default `sum_then_normalize`. */
  aggregation?: 'sum_then_normalize' | 'normalize_then_sum';
}

export interface Advantages {
  /** Per completion; 0 where nothing could be scored. */
  advantages: Float64Array;
  /** Weighted sum per completion; NaN where every function gave null. */
  rewards: Float64Array;
  /** Mean and standard deviation (n - 1) of `rewards` per group; NaN where undefined. */
  groupMean: Float64Array;
  groupStd: Float64Array;
  /** Share of completions whose standard deviation (of the scope in use) is 0. */
  fracRewardZeroStd: number;
  /** rewards/NAME/mean, rewards/NAME/std, reward, reward_std, frac_reward_zero_std; NaN where undefined. */
  metrics: Record<string, number>;
}

const EPSILON = 1e-4;
// torch.isclose against 0 with its default atol.
const ZERO_STD = 1e-8;

function isNumber(value: number): boolean {
  return !Number.isNaN(value);
}

/** Mean of the numbers that are not NaN. */
function nanMean(values: ArrayLike<number>): number {
  const live = Array.from(values).filter(isNumber);
  return live.reduce((sum, value) => sum + value, 0) / live.length;
}

/** Standard deviation with n - 1 of the numbers that are not NaN; NaN for fewer than two. */
function nanStd(values: ArrayLike<number>): number {
  const live = Array.from(values).filter(isNumber);
  if (live.length < 2) return NaN;
  const mean = nanMean(live);
  return Math.sqrt(live.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (live.length - 1));
}

/** Spread of a group or batch; 0 where there is one place only, as in an evaluation with one completion per prompt. */
function spreadOf(values: ArrayLike<number>): number {
  return values.length === 1 ? 0 : nanStd(values);
}

/** Weighted sum over functions, null as 0; NaN for rows that no function could score. */
function weightedSum(
  rows: readonly Float64Array[],
  weights: readonly number[],
  scored: readonly boolean[],
): Float64Array {
  return Float64Array.from(rows, (row, i) =>
    scored[i] ? row.reduce((sum, value, k) => (isNumber(value) ? sum + value * weights[k]! : sum), 0) : NaN,
  );
}

/** `statistic` of each group of `size` values. */
function perGroup(values: Float64Array, size: number, statistic: (group: Float64Array) => number): Float64Array {
  return Float64Array.from({ length: values.length / size }, (_, g) =>
    statistic(values.subarray(g * size, (g + 1) * size)),
  );
}

/** Each function standardised within its group (TRL's normalize_then_sum, first half). */
function standardizeFunctions(rows: readonly Float64Array[], functions: number, size: number): Float64Array[] {
  const out = rows.map((row) => new Float64Array(row.length));
  for (let k = 0; k < functions; k++) {
    const column = Float64Array.from(rows, (row) => row[k]!);
    const mean = perGroup(column, size, nanMean);
    const std = perGroup(column, size, spreadOf);
    column.forEach((value, i) => {
      const group = Math.floor(i / size);
      out[i]![k] = (value - mean[group]!) / (std[group]! + EPSILON);
    });
  }
  return out;
}

/** Advantages before NaN becomes 0, and the standard deviation that each completion was measured by. */
function normalize(
  input: AdvantageInput,
  rows: readonly Float64Array[],
  rewards: Float64Array,
): { advantages: Float64Array; std: Float64Array } {
  const { numGenerations: size, weights, scaleRewards } = input;
  const groupOf = (i: number): number => Math.floor(i / size);
  if (input.aggregation === 'normalize_then_sum') {
    // A row whose only rewards have no spread to be measured by counts as 0, not as unscored.
    const scored = Array.from(rewards, isNumber);
    const sums = weightedSum(standardizeFunctions(rows, weights.length, size), weights, scored);
    const mean = nanMean(sums);
    const std = new Float64Array(sums.length).fill(spreadOf(sums));
    return { advantages: sums.map((value, i) => (value - mean) / (std[i]! + EPSILON)), std };
  }
  const mean = perGroup(rewards, size, nanMean);
  const groupStd = perGroup(rewards, size, spreadOf);
  const batchStd = spreadOf(rewards);
  const std = rewards.map((_, i) => (scaleRewards === 'batch' ? batchStd : groupStd[groupOf(i)]!));
  const advantages = rewards.map((value, i) => {
    const centered = value - mean[groupOf(i)]!;
    return scaleRewards === 'none' ? centered : centered / (std[i]! + EPSILON);
  });
  return { advantages, std };
}

/** Mean and standard deviation of each function over the batch, and of the weighted sum. */
function rewardMetrics(
  rows: readonly Float64Array[],
  names: readonly string[],
  rewards: Float64Array,
): Record<string, number> {
  const metrics: Record<string, number> = {};
  names.forEach((name, k) => {
    const column = rows.map((row) => row[k]!);
    metrics[`rewards/${name}/mean`] = nanMean(column);
    metrics[`rewards/${name}/std`] = nanStd(column);
  });
  return { ...metrics, reward: nanMean(rewards), reward_std: nanStd(rewards) };
}

/**
 * Advantages of one generation batch.
 * @throws advantages.shape when rows are not a multiple of the group size or have the wrong number of rewards
 * Source: TRL 1.16 `_generate_and_score_completions`; rewards are rounded to float32 as there, the rest is float64.
 */
export function groupAdvantages(input: AdvantageInput): Advantages {
  const { names, weights, numGenerations } = input;
  const count = input.rewards.length;
  check(
    numGenerations >= 1 && count % numGenerations === 0,
    'advantages.shape',
    `advantages: ${count} completions are no multiple of num_generations ${numGenerations}`,
  );
  check(
    weights.length === names.length && input.rewards.every((row) => row.length === names.length),
    'advantages.shape',
    `advantages: ${names.length} reward functions need as many weights (${weights.length}) and values in every row`,
  );
  const rows = input.rewards.map((row) => Float64Array.from(row, (value) => Math.fround(value ?? NaN)));
  const scored = rows.map((row) => row.some(isNumber));
  const rewards = weightedSum(rows, weights, scored);
  const { advantages, std } = normalize(input, rows, rewards);
  const fracRewardZeroStd = std.reduce((zeros, value) => zeros + (Math.abs(value) <= ZERO_STD ? 1 : 0), 0) / count;
  return {
    advantages: advantages.map((value) => (isNumber(value) ? value : 0)),
    rewards,
    groupMean: perGroup(rewards, numGenerations, nanMean),
    groupStd: perGroup(rewards, numGenerations, spreadOf),
    fracRewardZeroStd,
    metrics: { ...rewardMetrics(rows, names, rewards), frac_reward_zero_std: fracRewardZeroStd },
  };
}
