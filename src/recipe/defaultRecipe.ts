// What fills a partial recipe: the defaults of TRL 1.16, transformers 5 and PEFT. Where they are left on purpose, the
// reason stands beside the value. Values only.

import type { GrpoOptions, LoraOptions, OptimizerOptions, Recipe, SftOptions } from './config';

const optimizer: OptimizerOptions = {
  learning_rate: 2e-5,
  lr_scheduler_type: 'linear',
  warmup_steps: 0,
  weight_decay: 0,
  adam_beta1: 0.9,
  adam_beta2: 0.999,
  adam_epsilon: 1e-8,
  max_grad_norm: 1,
  max_steps: -1,
  num_train_epochs: 3,
  per_device_train_batch_size: 8,
  gradient_accumulation_steps: 1,
  eval_steps: 0,
  // transformers: 500. A tab dies more easily than a server, and an adapter is small.
  save_steps: 10,
  // transformers keeps all; a browser's storage is limited.
  save_total_limit: 2,
  load_best_model_at_end: false,
  metric_for_best_model: 'eval_loss',
  greater_is_better: null,
  early_stopping_patience: null,
  early_stopping_threshold: 0,
  gradient_checkpointing: true,
};

const lora: LoraOptions = {
  r: 8,
  lora_alpha: 8,
  lora_dropout: 0,
  // PEFT's choice for this architecture.
  target_modules: ['q_proj', 'v_proj'],
  use_rslora: false,
  init_lora_weights: true,
};

const sft: SftOptions = {
  ...optimizer,
  rows: null,
  // TRL: 1024, and longer examples are cut; here nothing is cut.
  max_length: null,
  packing: false,
  completion_only_loss: true,
  loss_normalization: 'micro_batch',
};

const grpo: GrpoOptions = {
  ...optimizer,
  learning_rate: 1e-6,
  num_generations: 8,
  max_completion_length: 512,
  num_iterations: 1,
  steps_per_generation: null,
  generation_batch_size: null,
  shuffle_dataset: true,
  disable_dropout: false,
  temperature: 1,
  top_k: 0,
  top_p: 1,
  min_p: null,
  repetition_penalty: 1,
  loss_type: 'dapo',
  beta: 0,
  epsilon: 0.2,
  epsilon_high: null,
  delta: null,
  importance_sampling_level: 'token',
  mask_truncated_completions: false,
  top_entropy_quantile: 1,
  entropy_coef: 0,
  use_bias_correction_kl: true,
  sapo_temperature_pos: 1,
  sapo_temperature_neg: 1.05,
  vespo_k_pos: 2,
  vespo_lambda_pos: 3,
  vespo_k_neg: 3,
  vespo_lambda_neg: 2,
  scale_rewards: 'group',
  multi_objective_aggregation: 'sum_then_normalize',
  reward_funcs: ['semantic', 'format'],
  reward_weights: null,
  reference: 'start',
};

const instruction =
  'You answer questions about a picture. First think about what the picture shows, step by step, between <thought> ' +
  'and </thought>. Then write only the final answer, one or two words, between <answer> and </answer>.';

/** Fills a partial recipe. */
export const defaultRecipe: Recipe = {
  system_prompt: instruction,
  prompt_template: '{question}',
  target_template: '<thought> {thought}</thought>\n<answer>{answer}</answer>',
  max_prompt_length: 1024,
  image_loading: 'library',
  min_pixels: null,
  max_pixels: null,
  grpo_pre_resize: false,
  dtype: 'auto',
  load_in_4bit: null,
  // transformers: fp4, which QLoRA advises against.
  bnb_4bit_quant_type: 'nf4',
  bnb_4bit_use_double_quant: false,
  lora,
  sft,
  grpo,
  eval: { rows: 100, samples_per_row: 4, temperature: 1 },
};
