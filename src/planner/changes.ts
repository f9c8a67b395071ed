// What to change where a run does not fit: changes of one idea each, tried one by one, the cheapest that help first.

import type { Recipe } from '../recipe/config';
import type { OptionValue } from '../recipe/optionValues';
import type { Plan } from './plan';

/** Options to set in whatever recipe is in use; all others stay as they are there. */
export interface RecipeChange {
  /** The one that helps first, then those that keep the run what it was. */
  set: OptionValue[];
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

/**
 * Half the micro-batch and twice the accumulation: the same rows in a step. A rollout that is told in micro-batches gets
 * twice as many, too, so that it has the same completions.
 */
function smallerBatch(recipe: Recipe, stage: 'sft' | 'grpo'): RecipeChange[] {
  const own = recipe[stage];
  const { per_device_train_batch_size: batch, gradient_accumulation_steps: steps } = own;
  if (own.max_steps === 0 || batch < 2 || batch % 2 !== 0) return [];
  const smaller = { option: `${stage}.per_device_train_batch_size`, value: batch / 2 };
  const set = [smaller, { option: `${stage}.gradient_accumulation_steps`, value: steps * 2 }];
  const ofRollout = stage === 'grpo' ? recipe.grpo.steps_per_generation : null;
  if (ofRollout !== null) set.push({ option: 'grpo.steps_per_generation', value: ofRollout * 2 });
  return [{ set }];
}

function recomputed(recipe: Recipe, stage: 'sft' | 'grpo'): RecipeChange[] {
  const own = recipe[stage];
  if (own.max_steps === 0 || own.gradient_checkpointing !== false) return [];
  return [{ set: [{ option: `${stage}.gradient_checkpointing`, value: true }] }];
}

function smallerPictures(recipe: Recipe, largestPixels: number): RecipeChange[] {
  const value = Math.floor(largestPixels / 2);
  if (value < (recipe.min_pixels ?? 4 * 784)) return [];
  return [{ set: [{ option: 'max_pixels', value }] }];
}

/**
 * Half the rank at the same scale: the adapter counts alpha / r, so alpha falls with r and the learning rate stays right.
 * With rsLoRA, alpha / sqrt(r) is the scale that suits every rank by itself (Kalajdzievski 2023, arXiv:2312.03732).
 */
function smallerAdapter({ lora }: Recipe): RecipeChange[] {
  if (lora.r <= 4) return [];
  const r = half(lora.r);
  const alpha = { option: 'lora.lora_alpha', value: (lora.lora_alpha * r) / lora.r };
  return [{ set: [{ option: 'lora.r', value: r }, ...(lora.use_rslora ? [] : [alpha])] }];
}

function shorterCompletions({ grpo }: Recipe): RecipeChange[] {
  if (grpo.max_steps === 0 || grpo.max_completion_length < 32) return [];
  return [{ set: [{ option: 'grpo.max_completion_length', value: half(grpo.max_completion_length) }] }];
}

/** Where the recipe leaves it open, 4 bits are taken already when nothing else fits. */
function quantized(recipe: Recipe): RecipeChange[] {
  return recipe.load_in_4bit === false ? [{ set: [{ option: 'load_in_4bit', value: true }] }] : [];
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
