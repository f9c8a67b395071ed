// What a dry run works on: few rows of middle and other lengths, in a recipe of one micro-batch a step. A run of its own, so
// that the planner counts its work as it does that of the whole run.

import type { TrainingRows } from './rows';
import type { OptimizerOptions, Recipe } from '../recipe/config';

/** Rows that are evaluated: their loss is a pass, their prompts are one. */
const EVALUATED = 8;
/** Micro-batches of SFT: of other sizes each, as in a run, so that buffers of one do not fit the next. */
const MICRO_BATCHES = 3;
/** Examples that give a mean length where SFT has no part. */
const EXAMPLES = 4;

/** Nothing between the steps, and an update that changes nothing: no step may end in numbers that are not finite. */
const PLAIN_STEPS = {
  learning_rate: 0,
  weight_decay: 0,
  gradient_accumulation_steps: 1,
  eval_steps: 0,
  save_steps: 0,
  load_best_model_at_end: false,
  early_stopping_patience: null,
} satisfies Partial<OptimizerOptions>;

function stepsOf({ max_steps }: OptimizerOptions): number {
  return max_steps === 0 ? 0 : 1;
}

/** Groups that go through the model together. */
function groupsOf({ per_device_train_batch_size: batch, num_generations: size }: Recipe['grpo']): number {
  return Math.max(1, Math.floor(batch / size));
}

/** The recipe of one micro-batch a step; a stage that the recipe leaves out stays out. */
export function dryRecipe(recipe: Recipe): Recipe {
  const { sft, grpo } = recipe;
  return {
    ...recipe,
    sft: { ...sft, ...PLAIN_STEPS, max_steps: stepsOf(sft) },
    grpo: {
      ...grpo,
      ...PLAIN_STEPS,
      max_steps: stepsOf(grpo),
      per_device_train_batch_size: groupsOf(grpo) * grpo.num_generations,
      num_iterations: 1,
      steps_per_generation: null,
      generation_batch_size: null,
    },
  };
}

/** Of as many equal shares, by size, the middle one each. */
function spread<T>(items: readonly T[], count: number, sizeOf: (item: T) => number): T[] {
  const shares = Math.min(count, items.length);
  const sorted = [...items].sort((a, b) => sizeOf(a) - sizeOf(b));
  return Array.from({ length: shares }, (_, i) => sorted[Math.floor(((i + 0.5) / shares) * sorted.length)]!);
}

/** Examples of some micro-batches: packs hold several. */
function examplesOf({ sft }: TrainingRows, { sft: options }: Recipe): number {
  if (options.max_steps === 0) return EXAMPLES;
  const batch = MICRO_BATCHES * options.per_device_train_batch_size;
  if (!options.packing || options.max_length === null || sft.length === 0) return batch;
  const mean = sft.reduce((sum, { ids }) => sum + ids.length, 0) / sft.length;
  return batch * Math.max(1, Math.floor(options.max_length / mean));
}

/** Rows of a dry run: those of few micro-batches of SFT and of one of GRPO, and some to evaluate. */
export function sampleRows(rows: TrainingRows, recipe: Recipe): TrainingRows {
  const prompts = recipe.grpo.max_steps === 0 ? 0 : groupsOf(recipe.grpo);
  return {
    ...rows,
    sft: spread(rows.sft, examplesOf(rows, recipe), ({ ids }) => ids.length),
    grpo: spread(rows.grpo, prompts, ({ prompt }) => prompt.ids.length),
    validation: spread(rows.validation, EVALUATED, ({ prompt }) => prompt.ids.length),
  };
}
