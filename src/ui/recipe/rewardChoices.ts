// Choosing rewards and their weights in a recipe. Pure; the code of the user's own rewards is edited elsewhere.

import type { BuiltInReward, Recipe } from '../../recipe/config';

function withRewards(
  recipe: Recipe,
  reward_funcs: Recipe['grpo']['reward_funcs'],
  reward_weights: number[] | null,
): Recipe {
  return { ...recipe, grpo: { ...recipe.grpo, reward_funcs, reward_weights } };
}

/** A copy of the recipe with a built-in reward put in (last, weight 1) or taken out with its weight. */
export function withBuiltIn(recipe: Recipe, name: BuiltInReward, on: boolean): Recipe {
  const { reward_funcs: funcs, reward_weights: weights } = recipe.grpo;
  if (funcs.includes(name) === on) return recipe;
  if (on) return withRewards(recipe, [...funcs, name], weights && [...weights, 1]);
  const at = funcs.indexOf(name);
  return withRewards(
    recipe,
    funcs.filter((_, i) => i !== at),
    weights && weights.filter((_, i) => i !== at),
  );
}

/** A copy of the recipe with the weight of the reward at `index` changed. */
export function withWeight(recipe: Recipe, index: number, weight: number): Recipe {
  const { reward_funcs: funcs, reward_weights: weights } = recipe.grpo;
  const all = funcs.map((_, i) => (i === index ? weight : (weights?.[i] ?? 1)));
  return withRewards(recipe, funcs, all);
}
