// Ready recipes and the defaults that fill a partial one. Values only; reading and checks are in recipe.ts.

import type { OptimizerOptions, Recipe } from './config';

/** What transformers and TRL use where nothing is said, but for `max_grad_norm` and the like that agree anyway. */
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
  gradient_checkpointing: true,
};

const taggedForm = '<thought> {thought}</thought>\n<answer>{answer}</answer>';

const instruction =
  'You answer questions about a picture. First think about what the picture shows, step by step, between <thought> ' +
  'and </thought>. Then write only the final answer, one or two words, between <answer> and </answer>.';

/** Fills a partial recipe. TRL 1.16 and PEFT, except that GRPO's loss is bnpo (TRL: dapo, equal without accumulation). */
export const defaultRecipe: Recipe = {
  system_prompt: instruction,
  prompt_template: '{question}',
  target_template: taggedForm,
  max_prompt_length: 1024,
  grpo_pre_resize: false,
  lora: { r: 8, lora_alpha: 8, lora_dropout: 0, target_modules: ['q_proj', 'v_proj'] },
  sft: {
    ...optimizer,
    rows: null,
    max_length: null,
    completion_only_loss: true,
    loss_normalization: 'micro_batch',
  },
  grpo: {
    ...optimizer,
    learning_rate: 1e-6,
    num_generations: 8,
    max_completion_length: 512,
    temperature: 1,
    top_k: 0,
    top_p: 1,
    min_p: null,
    repetition_penalty: 1,
    loss_type: 'bnpo',
    beta: 0,
    epsilon: 0.2,
    epsilon_high: null,
    use_bias_correction_kl: true,
    scale_rewards: 'group',
    reward_weights: [1, 1],
    reference: 'base',
  },
  eval: { rows: 100, samples_per_row: 4, temperature: 1 },
};

/** The bundled demo: a few minutes on the tiny model. Equal to the demo's own recipe.json. */
const demo: Recipe = {
  ...defaultRecipe,
  system_prompt: 'Think in <thought></thought>, then reply in <answer></answer>.',
  max_prompt_length: 128,
  lora: { r: 8, lora_alpha: 16, lora_dropout: 0, target_modules: ['q_proj', 'v_proj'] },
  sft: {
    ...defaultRecipe.sft,
    learning_rate: 0.008,
    max_steps: 30,
    per_device_train_batch_size: 4,
    gradient_accumulation_steps: 2,
    gradient_checkpointing: false,
    rows: 400,
    completion_only_loss: false,
    loss_normalization: 'step',
  },
  grpo: {
    ...defaultRecipe.grpo,
    learning_rate: 0.003,
    lr_scheduler_type: 'constant',
    max_steps: 30,
    per_device_train_batch_size: 16,
    gradient_checkpointing: false,
    num_generations: 4,
    max_completion_length: 40,
    loss_type: 'grpo',
    beta: 0.04,
    use_bias_correction_kl: false,
  },
};

/** The published MMHERC recipe, with its GRPO sampler put right (each prompt's completions meet their own answer). */
const mmherc: Recipe = {
  ...defaultRecipe,
  grpo_pre_resize: true,
  lora: { r: 8, lora_alpha: 16, lora_dropout: 0.1, target_modules: ['q_proj', 'v_proj'] },
  sft: {
    ...defaultRecipe.sft,
    learning_rate: 2e-4,
    warmup_steps: 0.03,
    per_device_train_batch_size: 4,
    gradient_accumulation_steps: 8,
    completion_only_loss: false,
  },
  grpo: {
    ...defaultRecipe.grpo,
    num_train_epochs: 1,
    per_device_train_batch_size: 16,
    num_generations: 4,
    max_completion_length: 128,
    beta: 0.04,
    use_bias_correction_kl: false,
  },
};

export const presets = { demo, mmherc } satisfies Record<string, Recipe>;
