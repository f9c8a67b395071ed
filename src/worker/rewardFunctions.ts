// From the recipe's reward_funcs to functions that score.

import { fromErrorRecord } from '../base/errors';
import { userRewardRefusal, userRewardWorker } from '../rewards/userRewardWorker';
import { exactMatchReward } from '../rewards/exactMatch';
import { formatRewardFunction } from '../rewards/format';
import { lengthRewardFunction } from '../rewards/length';
import type { Reward } from '../rewards/reward';
import { createSemanticReward, type Embed } from '../rewards/semantic';
import { createUserReward } from '../rewards/userReward';
import type { GrpoOptions, Recipe } from '../recipe/config';
import { stationsOf } from './runProgress';

export interface RewardDeps {
  /** Sentence embeddings, for the semantic reward. */
  embed: Embed;
  /** Longest time of one call of a user's reward in ms. */
  timeoutMs?: number;
}

/**
 * The rewards of a recipe, in its order. Whoever calls this disposes of them.
 * @param specs `grpo.reward_funcs`
 */
export function rewardFunctions(specs: GrpoOptions['reward_funcs'], deps: RewardDeps): Reward[] {
  return specs.map((spec): Reward => {
    switch (spec) {
      case 'semantic':
        return createSemanticReward(deps.embed);
      case 'format':
        return formatRewardFunction;
      case 'exact_match':
        return exactMatchReward;
      case 'length':
        return lengthRewardFunction;
      default:
        return createUserReward(spec, { ...userRewardWorker, timeoutMs: deps.timeoutMs });
    }
  });
}

/**
 * Whether the recipe's rewards may run here, asked at a run's start and not after hours of SFT.
 * @throws reward.unguarded, server.noAnswer
 */
export async function checkRewards(recipe: Recipe): Promise<void> {
  const own = recipe.grpo.reward_funcs.some((spec) => typeof spec !== 'string');
  if (!own || !stationsOf(recipe).includes('grpo')) return;
  const refusal = await userRewardRefusal();
  if (refusal) throw fromErrorRecord(refusal);
}
