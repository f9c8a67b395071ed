// The rewards of a recipe as the page needs them: names, weights, and how far a total can reach. Pure.

import type { BuiltInReward, Recipe } from '../../recipe/config';

export interface RewardView {
  name: string;
  weight: number;
  /** Lowest and highest value, unweighted; null for the user's own, which may return anything. */
  bounds: readonly [number, number] | null;
}

const BOUNDS: Record<BuiltInReward, readonly [number, number]> = {
  semantic: [0, 1],
  format: [0, 1],
  exact_match: [0, 1],
  length: [-1, 0],
};

/** The recipe's rewards in their order. */
export function rewardsOf(recipe: Recipe): RewardView[] {
  const { reward_funcs, reward_weights } = recipe.grpo;
  return reward_funcs.map((reward, i) => ({
    name: typeof reward === 'string' ? reward : reward.name,
    weight: reward_weights?.[i] ?? 1,
    bounds: typeof reward === 'string' ? BOUNDS[reward] : null,
  }));
}

/** Lowest and highest total that the weighted rewards allow; null when one has no known bounds. */
export function totalRange(recipe: Recipe): [number, number] | null {
  let [low, high] = [0, 0];
  for (const { weight, bounds } of rewardsOf(recipe)) {
    if (weight === 0) continue;
    if (!bounds) return null;
    const ends = [weight * bounds[0], weight * bounds[1]];
    low += Math.min(...ends);
    high += Math.max(...ends);
  }
  return high > low ? [low, high] : null;
}

/** Whether the total is what an evaluation calls total reward: semantic plus format, each once. */
export function totalsAgree(recipe: Recipe): boolean {
  const counted = rewardsOf(recipe).filter(({ weight }) => weight !== 0);
  const names = counted.map(({ name }) => name).sort();
  return names.join() === 'format,semantic' && counted.every(({ weight }) => weight === 1);
}

/** The highest total reward of an evaluation: semantic plus format, each at most 1. */
export const EVALUATION_MAX = 2;

/** A reward's name as a heading: `exact_match` -> `Exact match`. */
export function rewardTitle(name: string): string {
  const words = name.replace(/_?reward$/, '').replaceAll('_', ' ') || name;
  return words.charAt(0).toUpperCase() + words.slice(1);
}
