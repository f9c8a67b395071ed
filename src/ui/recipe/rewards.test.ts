import { expect, test } from 'vitest';
import type { Recipe } from '../../recipe/config';
import { rewardTitle, totalRange, totalsAgree } from './rewards';

function recipeOf(reward_funcs: Recipe['grpo']['reward_funcs'], reward_weights: number[] | null = null): Recipe {
  return { grpo: { reward_funcs, reward_weights } } as Recipe;
}

test('the range of the total comes from the bounds of the built-in rewards and their weights', () => {
  expect(totalRange(recipeOf(['semantic', 'format']))).toEqual([0, 2]);
  expect(totalRange(recipeOf(['semantic', 'length'], [2, 0.5]))).toEqual([-0.5, 2]);
  expect(totalRange(recipeOf(['exact_match'], [-1]))).toEqual([-1, 0]);
});

test('a reward of the user’s own has no known bounds, unless its weight is zero', () => {
  const own = { name: 'mine', javascript: '' };
  expect(totalRange(recipeOf(['format', own]))).toBeNull();
  expect(totalRange(recipeOf(['format', own], [1, 0]))).toEqual([0, 1]);
});

test('evaluations share the total’s scale only where it is semantic plus format, each once', () => {
  expect(totalsAgree(recipeOf(['format', 'semantic']))).toBe(true);
  expect(totalsAgree(recipeOf(['format', 'semantic', 'length'], [1, 1, 0]))).toBe(true);
  expect(totalsAgree(recipeOf(['format', 'semantic'], [1, 2]))).toBe(false);
  expect(totalsAgree(recipeOf(['format']))).toBe(false);
});

test('reward names become headings', () => {
  expect(['exact_match', 'format_reward', 'mine', 'reward'].map(rewardTitle)).toEqual([
    'Exact match',
    'Format',
    'Mine',
    'Reward',
  ]);
});
