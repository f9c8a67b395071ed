// What each option of a recipe may be, as tables. No reading of files, no defaults, no combinations.

import { TARGET_MODULES } from '../base/targetModules';
import { BEST_METRICS, BUILT_IN_REWARDS, LOSS_TYPES } from './config';
import { IMAGE_LOADINGS } from '../base/imageLoading';
import type { EvalOptions, GrpoOptions, LoraOptions, OptimizerOptions, Recipe, SftOptions } from './config';
import { choice, flag, integer, isNumberIn, list, number, orNull, text } from './rule';
import type { Rule } from './rule';

const warmup: Rule = {
  allowed: 'a whole number of steps, or a share of all steps below 1',
  accepts: (value) => isNumberIn(value, { min: 0 }) && (value < 1 || Number.isInteger(value)),
};

const modules = list(`a list without repeats of: ${TARGET_MODULES.join(', ')}`, (name) =>
  (TARGET_MODULES as readonly unknown[]).includes(name),
);

const targetModules: Rule = {
  ...modules,
  accepts: (value) => modules.accepts(value) && new Set(value as unknown[]).size === (value as unknown[]).length,
};

function isUserReward(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Object.keys(value).length !== 2) return false;
  const { name, javascript } = value as Record<string, unknown>;
  return typeof name === 'string' && typeof javascript === 'string' && javascript.trim() !== '';
}

const rewardFuncs = list(
  `a list of: ${BUILT_IN_REWARDS.join(', ')}, {"name": ..., "javascript": ...}`,
  (entry) => (BUILT_IN_REWARDS as readonly unknown[]).includes(entry) || isUserReward(entry),
);

const optimizerRules: Record<keyof OptimizerOptions, Rule> = {
  learning_rate: number({ above: 0 }),
  lr_scheduler_type: choice('linear', 'cosine', 'constant', 'constant_with_warmup'),
  warmup_steps: warmup,
  weight_decay: number({ min: 0 }),
  adam_beta1: number({ min: 0, below: 1 }),
  adam_beta2: number({ min: 0, below: 1 }),
  adam_epsilon: number({ above: 0 }),
  max_grad_norm: number({ min: 0 }),
  max_steps: integer({ min: -1 }),
  num_train_epochs: number({ above: 0 }),
  per_device_train_batch_size: integer({ min: 1 }),
  gradient_accumulation_steps: integer({ min: 1 }),
  eval_steps: integer({ min: 0 }),
  save_steps: integer({ min: 0 }),
  save_total_limit: integer({ min: 1 }),
  load_best_model_at_end: flag,
  metric_for_best_model: choice(...BEST_METRICS),
  greater_is_better: orNull(flag, 'by the metric'),
  early_stopping_patience: orNull(integer({ min: 1 }), 'off'),
  early_stopping_threshold: number({ min: 0 }),
  gradient_checkpointing: choice(true, false, 'auto'),
};

const loraRules: Record<keyof LoraOptions, Rule> = {
  r: integer({ min: 1, max: 256 }),
  lora_alpha: number({ above: 0 }),
  lora_dropout: number({ min: 0, below: 1 }),
  target_modules: targetModules,
  use_rslora: flag,
  init_lora_weights: choice(true, false, 'gaussian'),
};

const sftRules: Record<keyof SftOptions, Rule> = {
  ...optimizerRules,
  rows: orNull(integer({ min: 1 }), 'all rows'),
  max_length: orNull(integer({ min: 1 }), "the model's context"),
  packing: flag,
  completion_only_loss: flag,
  loss_normalization: choice('micro_batch', 'step'),
};

const grpoRules: Record<keyof GrpoOptions, Rule> = {
  ...optimizerRules,
  num_generations: integer({ min: 2 }),
  max_completion_length: integer({ min: 1 }),
  num_iterations: integer({ min: 1 }),
  steps_per_generation: orNull(integer({ min: 1 }), 'gradient_accumulation_steps'),
  generation_batch_size: orNull(integer({ min: 1 }), 'per_device_train_batch_size x steps_per_generation'),
  shuffle_dataset: flag,
  disable_dropout: flag,
  temperature: number({ above: 0 }),
  top_k: integer({ min: 0 }),
  top_p: number({ above: 0, max: 1 }),
  min_p: orNull(number({ min: 0, max: 1 }), 'off'),
  repetition_penalty: number({ above: 0 }),
  loss_type: choice(...LOSS_TYPES),
  beta: number({ min: 0 }),
  epsilon: number({ min: 0 }),
  epsilon_high: orNull(number({ min: 0 }), 'equal to epsilon'),
  delta: orNull(number({ above: 0 }), 'off'),
  importance_sampling_level: choice('token', 'sequence'),
  mask_truncated_completions: flag,
  top_entropy_quantile: number({ min: 0, max: 1 }),
  entropy_coef: number(),
  use_bias_correction_kl: flag,
  sapo_temperature_pos: number({ above: 0 }),
  sapo_temperature_neg: number({ above: 0 }),
  vespo_k_pos: number(),
  vespo_lambda_pos: number(),
  vespo_k_neg: number(),
  vespo_lambda_neg: number(),
  scale_rewards: choice('group', 'batch', 'none'),
  multi_objective_aggregation: choice('sum_then_normalize', 'normalize_then_sum'),
  reward_funcs: rewardFuncs,
  reward_weights: orNull(
    list('a list of numbers, one per reward', (weight) => isNumberIn(weight, {})),
    'all 1',
  ),
  reference: choice('base', 'start'),
};

const evalRules: Record<keyof EvalOptions, Rule> = {
  rows: orNull(integer({ min: 1 }), 'all rows'),
  samples_per_row: integer({ min: 0 }),
  temperature: number({ above: 0 }),
};

export const SECTIONS = ['lora', 'sft', 'grpo', 'eval'] as const;
export type Section = (typeof SECTIONS)[number];

/** Rules of the options inside each section. */
export const SECTION_RULES: Record<Section, Record<string, Rule>> = {
  lora: loraRules,
  sft: sftRules,
  grpo: grpoRules,
  eval: evalRules,
};

/** Rules of the options outside the sections. */
export const TOP_RULES: Record<Exclude<keyof Recipe, Section>, Rule> = {
  system_prompt: text(),
  prompt_template: text('question'),
  target_template: text('answer'),
  max_prompt_length: integer({ min: 1 }),
  image_loading: choice(...IMAGE_LOADINGS),
  min_pixels: orNull(integer({ min: 1 }), "the model's own"),
  max_pixels: orNull(integer({ min: 1 }), "the model's own"),
  grpo_pre_resize: flag,
  dtype: choice('auto', 'float32', 'bfloat16', 'float16'),
  load_in_4bit: orNull(flag, 'by GPU memory'),
  bnb_4bit_quant_type: choice('nf4'),
  bnb_4bit_use_double_quant: flag,
};
