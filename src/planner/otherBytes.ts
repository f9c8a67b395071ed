// Host memory and storage of a run.

import type { Recipe } from '../recipe/config';
import type { MemoryInput } from './gpuPhases';
import { CHECKPOINT_PIECE } from './gpuPhases';
import { adapterNumbers, F32, widthsOf } from './widths';

export interface HostBytes {
  /** Features of pictures within their budget. */
  features: number;
  /** Ids, positions and masks of all rows. */
  rows: number;
  /** Copies that stay through a stage: the best adapter, and the KL term's reference. */
  adapters: number;
  /** The reward encoder and its runtime. */
  encoder: number;
  /** Weights and checkpoints on their way. */
  transfers: number;
}

export interface StorageBytes {
  features: number;
  checkpoints: number;
  /** The base as it is cached; 0 where it stays a folder of the user's. */
  model: number;
}

/** MiniLM in 8 bits, onnxruntime's memory and its arena, as seen in Chromium. */
const ENCODER = 150e6;
/** An encoded row per token: id, three positions, mask; the sum of the prompt's and the example's. */
const ROW_TOKEN = 2 * (4 + 3 * 4 + 1);
const WEIGHTS_IN_FLIGHT = 64 * 2 ** 20;

/** Features of all distinct pictures: one row of the language model's width per merged cell. */
function allFeatures({ config, figures }: MemoryInput): number {
  return (F32 * widthsOf(config).c * figures.pictures.patches) / config.vision.spatialMergeSize ** 2;
}

/** Whether GRPO measures its KL term against a frozen copy of the adapter. */
function keepsReference({ grpo }: Recipe): boolean {
  return grpo.beta !== 0 && grpo.reference === 'start';
}

/** A better adapter is there whole before the one that was the best is let go. */
function adapterCopies(recipe: Recipe): number {
  const of = (stage: 'sft' | 'grpo'): number => {
    const { max_steps, eval_steps, load_best_model_at_end } = recipe[stage];
    if (max_steps === 0) return 0;
    return (load_best_model_at_end && eval_steps > 0 ? 2 : 0) + (stage === 'grpo' && keepsReference(recipe) ? 1 : 0);
  };
  return Math.max(of('sft'), of('grpo'));
}

/** What a run adds to the page's memory. */
export function hostBytes(input: MemoryInput): HostBytes {
  const { config, recipe, decisions, figures } = input;
  return {
    features: Math.min(allFeatures(input), decisions.features.host),
    rows: figures.encodedTokens * ROW_TOKEN,
    adapters: adapterCopies(recipe) * F32 * adapterNumbers(widthsOf(config), recipe.lora),
    encoder: ENCODER,
    transfers: Math.max(WEIGHTS_IN_FLIGHT, 3 * CHECKPOINT_PIECE),
  };
}

/**
 * What a run adds to the browser's storage. A checkpoint holds weights and two moments, with the best adapter and the reference
 * where the recipe has them; `save_total_limit` of them and the best one are kept, and one more while it is written.
 */
export function storageBytes(input: MemoryInput, modelBytes: number): StorageBytes {
  const { config, recipe, decisions } = input;
  const numbers = adapterNumbers(widthsOf(config), recipe.lora);
  const sizeOf = (stage: 'sft' | 'grpo'): number => {
    const { load_best_model_at_end, save_total_limit, max_steps } = recipe[stage];
    if (max_steps === 0) return 0;
    const reference = stage === 'grpo' && keepsReference(recipe);
    const tensors = 3 + (load_best_model_at_end ? 1 : 0) + (reference ? 1 : 0);
    return (save_total_limit + (load_best_model_at_end ? 1 : 0) + 1) * tensors * F32 * numbers;
  };
  const beyondHost = Math.max(0, allFeatures(input));
  return {
    features: Math.min(beyondHost, decisions.features.disk),
    checkpoints: Math.max(sizeOf('sft'), sizeOf('grpo')),
    model: modelBytes,
  };
}
