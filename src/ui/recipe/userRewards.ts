// The user's own rewards of a recipe: added, changed, taken out, each with its weight. Pure.

import type { Recipe, UserReward } from '../../recipe/config';

/** What a new reward starts as: it works on any data, and shows what a script may use. */
export const STARTER = `// One score per completion: a number, or null where it does not apply.
// row: completion, answer, question, thought, length (tokens), maxCompletionLength
function scoreRow(row, index) {
  const match = /<answer>(.*?)<\\/answer>/.exec(row.completion);
  if (!match) return 0;
  return match[1].trim().toLowerCase() === row.answer.toLowerCase() ? 1 : 0.2;
}
`;

/** A user's reward with its place in `reward_funcs` and its weight. */
export interface OwnReward {
  index: number;
  reward: UserReward;
  weight: number;
}

/** The user's own rewards, in the order of the recipe. */
export function ownRewards(recipe: Recipe): OwnReward[] {
  const { reward_funcs: funcs, reward_weights: weights } = recipe.grpo;
  return funcs.flatMap((reward, index) =>
    typeof reward === 'string' ? [] : [{ index, reward, weight: weights?.[index] ?? 1 }],
  );
}

function withFuncs(recipe: Recipe, reward_funcs: Recipe['grpo']['reward_funcs']): Recipe {
  return { ...recipe, grpo: { ...recipe.grpo, reward_funcs } };
}

function withWeights(recipe: Recipe, reward_weights: number[] | null): Recipe {
  return { ...recipe, grpo: { ...recipe.grpo, reward_weights } };
}

/** A copy of the recipe with a new reward at the end, weight 1, under a name that is free. */
export function withNewReward(recipe: Recipe): Recipe {
  const { reward_funcs: funcs, reward_weights: weights } = recipe.grpo;
  const taken = new Set(ownRewards(recipe).map(({ reward }) => reward.name));
  let name = 'my_reward';
  for (let i = 2; taken.has(name); i++) name = `my_reward_${i}`;
  const added = withFuncs(recipe, [...funcs, { name, javascript: STARTER }]);
  return withWeights(added, weights && [...weights, 1]);
}

/** A copy of the recipe without the reward at `index` and its weight. */
export function withoutReward(recipe: Recipe, index: number): Recipe {
  const { reward_funcs: funcs, reward_weights: weights } = recipe.grpo;
  const removed = withFuncs(
    recipe,
    funcs.filter((_, i) => i !== index),
  );
  return withWeights(removed, weights && weights.filter((_, i) => i !== index));
}

/** A copy of the recipe with another name or script for the reward at `index`. */
export function withOwnReward(recipe: Recipe, index: number, reward: UserReward): Recipe {
  return withFuncs(
    recipe,
    recipe.grpo.reward_funcs.map((other, i) => (i === index ? reward : other)),
  );
}
