// The recipe: every option of a run, in TRL's and PEFT's names. Types only; reading, defaults and checks
// are in recipe.ts, so that the protocol can import this file type-only.

/** The seven linears of a Qwen2.5-VL decoder layer that LoRA may adapt, in PEFT's names. */
export const TARGET_MODULES = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'] as const;
export type TargetModule = (typeof TARGET_MODULES)[number];

export type SchedulerType = 'linear' | 'cosine' | 'constant' | 'constant_with_warmup';

/** PEFT's LoraConfig, the part that this program supports. */
export interface LoraOptions {
  r: number;
  lora_alpha: number;
  lora_dropout: number;
  target_modules: TargetModule[];
}

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
  /** Recompute a layer's activations in the backward pass instead of keeping them. */
  gradient_checkpointing: boolean;
}

export interface SftOptions extends OptimizerOptions {
  /** Use only the first N training rows; null: all. */
  rows: number | null;
  /** Longer examples are reported and left out, never cut; null: the model's context. */
  max_length: number | null;
  /** false: every token but padding and image placeholders is a label (MMHERC). */
  completion_only_loss: boolean;
  /** `micro_batch`: mean of the micro-batches' means (TRL for this model class); `step`: over the step's labels. */
  loss_normalization: 'micro_batch' | 'step';
}

export type LossType = 'grpo' | 'bnpo';

export interface GrpoOptions extends OptimizerOptions {
  num_generations: number;
  max_completion_length: number;
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
  use_bias_correction_kl: boolean;
  scale_rewards: 'group' | 'batch' | 'none';
  /** Weights of the semantic and the format reward. */
  reward_weights: [number, number];
  /** The KL reference: the base model, adapter off (MMHERC). */
  reference: 'base';
}

export interface EvalOptions {
  /** Validation rows used; null: all. */
  rows: number | null;
  /** Sampled completions per row; 0 leaves the sampled figures out. */
  samples_per_row: number;
  temperature: number;
}

export interface Recipe {
  system_prompt: string;
  /** The user's text; `{question}` is replaced. */
  prompt_template: string;
  /** The supervised target; `{thought}` and `{answer}` are replaced. */
  target_template: string;
  /** Longest prompt in tokens; rows beyond it are reported and left out. */
  max_prompt_length: number;
  /** MMHERC's Lanczos step before GRPO (and only there). */
  grpo_pre_resize: boolean;
  lora: LoraOptions;
  sft: SftOptions;
  grpo: GrpoOptions;
  eval: EvalOptions;
}
