// The recipe: every option of a run, in TRL's and PEFT's names. Types only; reading, defaults and checks
// are in recipe.ts, so that the protocol can import this file type-only.

import type { ImageLoading } from '../base/imageLoading';
import type { TargetModule } from '../base/targetModules';

export type SchedulerType = 'linear' | 'cosine' | 'constant' | 'constant_with_warmup';

/** PEFT's LoraConfig, the part that this program supports. */
export interface LoraOptions {
  r: number;
  lora_alpha: number;
  lora_dropout: number;
  target_modules: TargetModule[];
  /** Scale alpha / sqrt(r) instead of alpha / r. */
  use_rslora: boolean;
  /** true: A Kaiming-uniform, B zero; `gaussian`: A normal with sd 1 / r, B zero; false: both Kaiming-uniform. */
  init_lora_weights: true | false | 'gaussian';
}

/** Figures of an evaluation that the best model can be chosen by; rewards and shares are the sampled ones if drawn. */
export const BEST_METRICS = [
  'eval_loss',
  'eval_format_compliance',
  'eval_accuracy',
  'eval_semantic_reward',
  'eval_format_reward',
  'eval_total_reward',
] as const;
export type BestMetric = (typeof BEST_METRICS)[number];

/** AdamW and schedule, named as in transformers' TrainingArguments. */
export interface OptimizerOptions {
  learning_rate: number;
  lr_scheduler_type: SchedulerType;
  /** Steps; a value below 1 is a share of all steps (rounded up). */
  warmup_steps: number;
  weight_decay: number;
  adam_beta1: number;
  adam_beta2: number;
  adam_epsilon: number;
  max_grad_norm: number;
  /** -1: `num_train_epochs` decides. 0: the stage is left out. */
  max_steps: number;
  num_train_epochs: number;
  per_device_train_batch_size: number;
  gradient_accumulation_steps: number;
  /** Validate every N optimizer steps; 0: only before and after a stage. */
  eval_steps: number;
  /** Save a checkpoint every N optimizer steps; 0: only between stages and when the run stops. */
  save_steps: number;
  /** Checkpoints kept, the best not counted. */
  save_total_limit: number;
  /** At the stage's end go back to the adapter of the best evaluation of `eval_steps`. */
  load_best_model_at_end: boolean;
  metric_for_best_model: BestMetric;
  /** null: false for eval_loss, else true. */
  greater_is_better: boolean | null;
  /** End the stage after N evaluations without an improvement; null: off. */
  early_stopping_patience: number | null;
  /** Least improvement that counts. */
  early_stopping_threshold: number;
  /** Recompute activations in the backward pass instead of keeping them; `auto`: of the layers that would not fit. */
  gradient_checkpointing: boolean | 'auto';
}

export interface SftOptions extends OptimizerOptions {
  /** Use only the first N training rows; null: all. */
  rows: number | null;
  /** Longer examples are reported and left out, never cut; null: the model's context. */
  max_length: number | null;
  /** Fill packs of `max_length` tokens with several examples (best fit, longest first); a pack counts as one row. */
  packing: boolean;
  /** false: every token but padding and image placeholders is a label (MMHERC). */
  completion_only_loss: boolean;
  /** `micro_batch`: mean of the micro-batches' means (TRL for this model class); `step`: over the step's labels. */
  loss_normalization: 'micro_batch' | 'step';
}

export const LOSS_TYPES = ['grpo', 'bnpo', 'dr_grpo', 'dapo', 'cispo', 'sapo', 'luspo', 'vespo'] as const;
export type LossType = (typeof LOSS_TYPES)[number];

/** Rewards that come with the program. */
export const BUILT_IN_REWARDS = ['semantic', 'format', 'exact_match', 'length'] as const;
export type BuiltInReward = (typeof BUILT_IN_REWARDS)[number];

/** A reward of the user's own: JavaScript that defines `score(batch)`. */
export interface UserReward {
  name: string;
  javascript: string;
}

export interface GrpoOptions extends OptimizerOptions {
  num_generations: number;
  max_completion_length: number;
  /** Optimizer passes over one rollout (mu). */
  num_iterations: number;
  /** Micro-batches cut from one rollout; null: gradient_accumulation_steps. */
  steps_per_generation: number | null;
  /** Completions of one rollout; null: per_device_train_batch_size x steps_per_generation. Only one of both is given. */
  generation_batch_size: number | null;
  /** false: prompts in file order. */
  shuffle_dataset: boolean;
  /** Off: LoRA dropout acts while sampling and scoring; only possible with lora_dropout 0 here. */
  disable_dropout: boolean;
  temperature: number;
  /** 0: off. */
  top_k: number;
  /** 1: off. */
  top_p: number;
  /** null: off. */
  min_p: number | null;
  /** 1: off. */
  repetition_penalty: number;
  loss_type: LossType;
  beta: number;
  epsilon: number;
  /** null: equal to `epsilon`. */
  epsilon_high: number | null;
  /** Upper bound of the unclipped ratio; null: off. */
  delta: number | null;
  importance_sampling_level: 'token' | 'sequence';
  mask_truncated_completions: boolean;
  top_entropy_quantile: number;
  entropy_coef: number;
  use_bias_correction_kl: boolean;
  sapo_temperature_pos: number;
  sapo_temperature_neg: number;
  vespo_k_pos: number;
  vespo_lambda_pos: number;
  vespo_k_neg: number;
  vespo_lambda_neg: number;
  scale_rewards: 'group' | 'batch' | 'none';
  multi_objective_aggregation: 'sum_then_normalize' | 'normalize_then_sum';
  reward_funcs: (BuiltInReward | UserReward)[];
  /** One weight per reward; null: all 1. */
  reward_weights: number[] | null;
  /** The KL reference: the base model, adapter off (MMHERC), or a frozen copy of the adapter that GRPO starts from (TRL). */
  reference: 'base' | 'start';
}

export interface EvalOptions {
  /** Validation rows used; null: all. */
  rows: number | null;
  /** Sampled completions per row; 0 leaves the sampled figures out. */
  samples_per_row: number;
  temperature: number;
}

/** How the base model is kept on the GPU, in transformers' names (`from_pretrained`, BitsAndBytesConfig). */
export interface BaseModelOptions {
  /** `auto`: as in its files; float32 where a CPU plays the GPU, which changes no value. */
  dtype: 'auto' | 'float32' | 'bfloat16' | 'float16';
  /** QLoRA: the linears of language model and vision tower in 4 bits; null: where the base would not fit otherwise. */
  load_in_4bit: boolean | null;
  bnb_4bit_quant_type: 'nf4';
  /** The scales of the 4-bit blocks in 8 bits, as bitsandbytes rounds them. */
  bnb_4bit_use_double_quant: boolean;
}

export interface Recipe extends BaseModelOptions {
  system_prompt: string;
  /** The user's text; `{question}` is replaced. */
  prompt_template: string;
  /** The supervised target; `{thought}` and `{answer}` are replaced. */
  target_template: string;
  /** Longest prompt in tokens; rows beyond it are reported and left out. */
  max_prompt_length: number;
  /** `library`: pictures upright by EXIF, transparency on white; `recipe`: as stored, alpha dropped (MMHERC). */
  image_loading: ImageLoading;
  /** Least pixels of a picture as the model sees it, as transformers' image processor; null: the model's own limit. */
  min_pixels: number | null;
  /** Most pixels of a picture as the model sees it; smaller pictures take fewer tokens. null: the model's own limit. */
  max_pixels: number | null;
  /** MMHERC's Lanczos step before GRPO (and only there). */
  grpo_pre_resize: boolean;
  lora: LoraOptions;
  sft: SftOptions;
  grpo: GrpoOptions;
  eval: EvalOptions;
}
