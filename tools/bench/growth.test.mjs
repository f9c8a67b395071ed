import { expect, test } from 'vitest';
import { parseRecipe } from '../../src/recipe/recipe';
import { recipeFor } from './growth.mjs';

test('a run that is to grow has a recipe that is read, over all rows, in a few steps', () => {
  const { recipe } = parseRecipe(recipeFor({ promptLength: 1024, grpoSteps: 0 }));
  expect(recipe.max_prompt_length).toBe(1024);
  expect(recipe.sft).toMatchObject({ rows: null, max_steps: 4 });
  expect(recipe.grpo).toMatchObject({ max_steps: 0, max_completion_length: 8 });
});
