// The pictures that a run will need the features of.

import { imageKey, type ImageRef } from '../data/encode';
import type { Recipe } from '../recipe/config';
import type { TrainingRows } from './rows';

/** Distinct pictures, in their views, of the stages that the run has and of its evaluations. */
export function rowPictures(
  { sft, grpo, validation }: Pick<TrainingRows, 'sft' | 'grpo' | 'validation'>,
  recipe: { sft: Pick<Recipe['sft'], 'max_steps'>; grpo: Pick<Recipe['grpo'], 'max_steps'> },
): ImageRef[] {
  const prompts = [...(recipe.grpo.max_steps === 0 ? [] : grpo), ...validation].map(({ prompt }) => prompt);
  const rows = [...(recipe.sft.max_steps === 0 ? [] : sft), ...prompts];
  return [...new Map(rows.flatMap(({ images }) => images).map((image) => [imageKey(image), image])).values()];
}
