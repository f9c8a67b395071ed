import { expect, it } from 'vitest';
import { presets } from '../../recipe/presets';
import type { Recipe } from '../../recipe/config';
import { parseRecipe } from '../../recipe/recipe';
import { runScript } from '../../rewards/userScript';
import { ownRewards, STARTER, withNewReward, withOwnReward, withoutReward } from './userRewards';

const recipe: Recipe = {
  ...presets.demo,
  grpo: { ...presets.demo.grpo, reward_funcs: ['semantic', 'format'], reward_weights: [0.5, 2] },
};

it('adds rewards under free names at the end, with weight 1 where weights are given', () => {
  const two = withNewReward(withNewReward(recipe));
  expect(ownRewards(two).map(({ index, reward, weight }) => [index, reward.name, weight])).toEqual([
    [2, 'my_reward', 1],
    [3, 'my_reward_2', 1],
  ]);
  expect(two.grpo.reward_weights).toEqual([0.5, 2, 1, 1]);
  expect(parseRecipe(JSON.parse(JSON.stringify(two))).recipe).toEqual(two);
  const without = { ...recipe, grpo: { ...recipe.grpo, reward_weights: null } };
  expect(withNewReward(without).grpo.reward_weights).toBeNull();
});

it('takes a reward out with its weight and leaves the others', () => {
  const two = withNewReward(withNewReward(recipe));
  const one = withoutReward(two, 2);
  expect(ownRewards(one).map(({ reward }) => reward.name)).toEqual(['my_reward_2']);
  expect(withoutReward(one, 2)).toEqual(recipe);
});

it('changes name and script of one reward only', () => {
  const two = withNewReward(withNewReward(recipe));
  const changed = withOwnReward(two, 3, { name: 'short', javascript: 'x' });
  expect(changed.grpo.reward_funcs).toEqual([...two.grpo.reward_funcs.slice(0, 3), { name: 'short', javascript: 'x' }]);
});

it('starts with a script that runs: 1 for the answer, 0.2 for another, 0 without tags', async () => {
  const completions = ['<answer>Red</answer>', '<answer>blue</answer>', 'red'];
  const batch = {
    completions,
    answers: ['red', 'red', 'red'],
    questions: ['', '', ''],
    thoughts: ['', '', ''],
    lengths: [1, 1, 1],
    maxCompletionLength: 40,
  };
  expect(await runScript('starter', STARTER, batch)).toEqual({ scores: [1, 0.2, 0] });
});
