// What each option of a recipe may be, as tables. No reading of files, no defaults, no combinations.

import { TARGET_MODULES } from './config';
import type { EvalOptions, GrpoOptions, LoraOptions, OptimizerOptions, Recipe, SftOptions } from './config';

/** One option's rule: says what is wrong with a value, or null when it is allowed. */
export interface Rule {
  /** The allowed values in words, for messages. */
  allowed: string;
  accepts(value: unknown): boolean;
}

interface Range {
  min?: number;
  /** Exclusive bounds. */
  above?: number;
  below?: number;
  max?: number;
}

function rangeText({ min, above, below, max }: Range): string {
  const parts: string[] = [];
  if (min !== undefined && max !== undefined) return ` from ${min} to ${max}`;
  if (above !== undefined) parts.push(`above ${above}`);
  if (min !== undefined) parts.push(`at least ${min}`);
  if (below !== undefined) parts.push(`below ${below}`);
  if (max !== undefined) parts.push(`at most ${max}`);
  return parts.length > 0 ? ` ${parts.join(' and ')}` : '';
}

function isNumberIn(value: unknown, { min, above, below, max }: Range): value is number {
  if (typeof value !== 'number' || !Number.isFinite(value)) return false;
  return (
    value >= (min ?? -Infinity) &&
    value > (above ?? -Infinity) &&
    value < (below ?? Infinity) &&
    value <= (max ?? Infinity)
  );
}

function number(range: Range = {}): Rule {
  return { allowed: `a number${rangeText(range)}`, accepts: (value) => isNumberIn(value, range) };
}

function integer(range: Range = {}): Rule {
  return {
    allowed: `a whole number${rangeText(range)}`,
    accepts: (value) => isNumberIn(value, range) && Number.isInteger(value),
  };
}

function choice(...values: readonly (string | number | boolean | null)[]): Rule {
  return {
    allowed: values.map((value) => JSON.stringify(value)).join(' or '),
    accepts: (value) => values.includes(value as string),
  };
}

function orNull(rule: Rule, meaning: string): Rule {
  return {
    allowed: `${rule.allowed}, or null (${meaning})`,
    accepts: (value) => value === null || rule.accepts(value),
  };
}

function text(...placeholders: string[]): Rule {
  const list = placeholders.map((name) => `{${name}}`);
  return {
    allowed: `a text${list.length > 0 ? ` that contains ${list.join(' and ')}` : ''}`,
    accepts: (value) => typeof value === 'string' && list.every((name) => value.includes(name)),
  };
}

const flag = choice(true, false);

const warmup: Rule = {
  allowed: 'a whole number of steps, or a share of all steps below 1',
  accepts: (value) => isNumberIn(value, { min: 0 }) && (value < 1 || Number.isInteger(value)),
};

const targetModules: Rule = {
  allowed: `a list without repeats of: ${TARGET_MODULES.join(', ')}`,
  accepts: (value) =>
    Array.isArray(value) &&
    value.length > 0 &&
    new Set(value).size === value.length &&
    value.every((name) => (TARGET_MODULES as readonly unknown[]).includes(name)),
};

const rewardWeights: Rule = {
  allowed: 'two numbers: the weights of the semantic and the format reward',
  accepts: (value) => Array.isArray(value) && value.length === 2 && value.every((weight) => isNumberIn(weight, {})),
};

const optimizerRules: Record<keyof OptimizerOptions, Rule> = {
  learning_rate: number({ above: 0 }),
  lr_scheduler_type: choice('linear', 'cosine', 'constant', 'constant_with_warmup'),
  warmup_steps: warmup,
  weight_decay: number({ min: 0 }),
  adam_beta1: number({ min: 0, below: 1 }),
  adam_beta2: number({ min: 0, below: 1 }),
  adam_epsilon: number({ above: 0 }),
  max_grad_norm: number({ above: 0 }),
  max_steps: integer({ min: -1 }),
  num_train_epochs: number({ above: 0 }),
  per_device_train_batch_size: integer({ min: 1 }),
  gradient_accumulation_steps: integer({ min: 1 }),
  eval_steps: integer({ min: 0 }),
  gradient_checkpointing: flag,
};

const loraRules: Record<keyof LoraOptions, Rule> = {
  r: integer({ min: 1, max: 256 }),
  lora_alpha: number({ above: 0 }),
  lora_dropout: number({ min: 0, below: 1 }),
  target_modules: targetModules,
};

const sftRules: Record<keyof SftOptions, Rule> = {
  ...optimizerRules,
  rows: orNull(integer({ min: 1 }), 'all rows'),
  max_length: orNull(integer({ min: 1 }), "the model's context"),
  completion_only_loss: flag,
  loss_normalization: choice('micro_batch', 'step'),
};

const grpoRules: Record<keyof GrpoOptions, Rule> = {
  ...optimizerRules,
  num_generations: integer({ min: 2 }),
  max_completion_length: integer({ min: 1 }),
  temperature: number({ above: 0 }),
  top_k: integer({ min: 0 }),
  top_p: number({ above: 0, max: 1 }),
  min_p: orNull(number({ min: 0, max: 1 }), 'off'),
  repetition_penalty: number({ above: 0 }),
  loss_type: choice('grpo', 'bnpo'),
  beta: number({ min: 0 }),
  epsilon: number({ above: 0, below: 1 }),
  epsilon_high: orNull(number({ above: 0 }), 'equal to epsilon'),
  use_bias_correction_kl: flag,
  scale_rewards: choice('group', 'batch', 'none'),
  reward_weights: rewardWeights,
  reference: choice('base'),
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
  grpo_pre_resize: flag,
};

/** Library options that this program has in one setting only: accepted with it, refused otherwise, never stored. */
export const ONE_SETTING: Record<Section, Record<string, Rule>> = {
  lora: {
    peft_type: choice('LORA'),
    task_type: choice('CAUSAL_LM'),
    bias: choice('none'),
    use_rslora: choice(false),
    use_dora: choice(false),
    init_lora_weights: choice(true),
    modules_to_save: choice(null),
  },
  sft: { packing: choice(false), optim: choice('adamw_torch'), bf16: choice(false), fp16: choice(false) },
  grpo: {
    optim: choice('adamw_torch'),
    bf16: choice(false),
    fp16: choice(false),
    num_iterations: choice(1),
    importance_sampling_level: choice('token'),
    multi_objective_aggregation: choice('sum_then_normalize'),
    delta: choice(null),
    mask_truncated_completions: choice(false),
    top_entropy_quantile: choice(1),
    entropy_coef: choice(0),
    shuffle_dataset: choice(true),
    disable_dropout: choice(true),
  },
  eval: {},
};
