// What to change where a run does not fit: single options, tried one by one, the cheapest that help first.

import type { Recipe } from '../recipe/config';
import type { Plan } from './plan';

/** One option set to another value. */
export interface RecipeChange {
  /** As in the recipe's JSON, `section.name`. */
  option: string;
  value: unknown;
  recipe: Recipe;
}

/** What a change does, against the plan without it. */
export interface ChangeEffect extends RecipeChange {
  /** Peak bytes after it. */
  peakBytes: number;
  fits: boolean;
  /** Less (or, above 0, more) bytes at the peak. */
  bytes: number;
  /** Operations of the whole run after it, over those before. */
  workRatio: number;
}

const SHOWN = 3;

function half(value: number): number {
  return Math.max(1, Math.floor(value / 2));
}

/** Half the micro-batch and twice the accumulation: the same rows in a step. */
function smallerBatch(recipe: Recipe, stage: 'sft' | 'grpo'): RecipeChange[] {
  const own = recipe[stage];
  const { per_device_train_batch_size: batch, gradient_accumulation_steps: steps } = own;
  if (own.max_steps === 0 || batch < 2 || batch % 2 !== 0) return [];
  const changed = { per_device_train_batch_size: batch / 2, gradient_accumulation_steps: steps * 2 };
  const option = `${stage}.per_device_train_batch_size`;
  return [{ option, value: batch / 2, recipe: { ...recipe, [stage]: { ...own, ...changed } } }];
}

function recomputed(recipe: Recipe, stage: 'sft' | 'grpo'): RecipeChange[] {
  const own = recipe[stage];
  if (own.max_steps === 0 || own.gradient_checkpointing !== false) return [];
  const option = `${stage}.gradient_checkpointing`;
  return [{ option, value: true, recipe: { ...recipe, [stage]: { ...own, gradient_checkpointing: true } } }];
}

function smallerPictures(recipe: Recipe, largestPixels: number): RecipeChange[] {
  const value = Math.floor(largestPixels / 2);
  if (value < (recipe.min_pixels ?? 4 * 784)) return [];
  return [{ option: 'max_pixels', value, recipe: { ...recipe, max_pixels: value } }];
}

function smallerAdapter(recipe: Recipe): RecipeChange[] {
  const { lora } = recipe;
  if (lora.r <= 4) return [];
  const r = half(lora.r);
  return [{ option: 'lora.r', value: r, recipe: { ...recipe, lora: { ...lora, r } } }];
}

function shorterCompletions(recipe: Recipe): RecipeChange[] {
  const { grpo } = recipe;
  if (grpo.max_steps === 0 || grpo.max_completion_length < 32) return [];
  const max_completion_length = half(grpo.max_completion_length);
  const option = 'grpo.max_completion_length';
  return [{ option, value: max_completion_length, recipe: { ...recipe, grpo: { ...grpo, max_completion_length } } }];
}

/** Where the recipe leaves it open, 4 bits are taken already when nothing else fits. */
function quantized(recipe: Recipe): RecipeChange[] {
  return recipe.load_in_4bit === false
    ? [{ option: 'load_in_4bit', value: true, recipe: { ...recipe, load_in_4bit: true } }]
    : [];
}

/**
 * Single changes that may help.
 * @param largestPixels of the largest picture as the model sees it
 */
export function possibleChanges(recipe: Recipe, largestPixels: number): RecipeChange[] {
  return [
    ...quantized(recipe),
    ...recomputed(recipe, 'sft'),
    ...recomputed(recipe, 'grpo'),
    ...smallerBatch(recipe, 'sft'),
    ...smallerBatch(recipe, 'grpo'),
    ...smallerPictures(recipe, largestPixels),
    ...smallerAdapter(recipe),
    ...shorterCompletions(recipe),
  ];
}

/**
 * The three changes that cost least work among those that lower the peak: those that make the run fit before the others.
 * @param tried each possible change with its plan
 */
export function cheapestChanges(before: Plan, tried: readonly { change: RecipeChange; plan: Plan }[]): ChangeEffect[] {
  const effects = tried.map(({ change, plan }): ChangeEffect => {
    const bytes = plan.peak.total - before.peak.total;
    const workRatio = before.flops === 0 ? 1 : plan.flops / before.flops;
    return { ...change, peakBytes: plan.peak.total, fits: plan.fits, bytes, workRatio };
  });
  return effects
    .filter(({ bytes }) => bytes < 0)
    .sort((a, b) => Number(b.fits) - Number(a.fits) || a.workRatio - b.workRatio || a.bytes - b.bytes)
    .slice(0, SHOWN);
}
