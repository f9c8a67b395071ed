// The length reward: a penalty for completions that come near the limit or reach beyond it.

import type { Reward, RewardBatch } from './reward';

/**
 * DAPO's soft overlong punishment: 0 up to `maxLength` less a fifth (rounded), then falling linearly to -1 at
 * `maxLength`, and -1 beyond it.
 * @param length tokens, the end token included @param maxLength max_completion_length
 * Source: equation 13 of arXiv 2503.14476; borders as in TRL 1.16, trl/rewards/other_rewards.py.
 */
export function lengthReward(length: number, maxLength: number): number {
  const cache = Math.round(maxLength / 5);
  const free = maxLength - cache;
  if (length <= free) return 0;
  return length <= maxLength ? (free - length) / cache : -1;
}

/** The reward `length`. */
export const lengthRewardFunction: Reward<Pick<RewardBatch, 'lengths' | 'maxCompletionLength'>> = {
  name: 'length',
  score: async ({ lengths, maxCompletionLength }) => lengths.map((length) => lengthReward(length, maxCompletionLength)),
};
