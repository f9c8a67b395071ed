// Ready recipes. Values only; reading and checks are in recipe.ts.

import { TARGET_MODULES } from '../base/targetModules';
import type { Recipe } from './config';
import { defaultRecipe } from './defaultRecipe';

/** The bundled demo: a few minutes on the tiny model. Equal to the demo's own recipe.json. */
const demo: Recipe = {
  ...defaultRecipe,
  system_prompt: 'Think in <thought></thought>, then reply in <answer></answer>.',
  max_prompt_length: 128,
  lora: { ...defaultRecipe.lora, r: 8, lora_alpha: 16 },
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
    disable_dropout: true,
    reward_weights: [1, 1],
    reference: 'base',
  },
};

/** The published MMHERC recipe, with its GRPO sampler put right (each prompt's completions meet their own answer). */
const mmherc: Recipe = {
  ...defaultRecipe,
  image_loading: 'recipe',
  grpo_pre_resize: true,
  load_in_4bit: true,
  bnb_4bit_use_double_quant: true,
  lora: { ...defaultRecipe.lora, r: 8, lora_alpha: 16, lora_dropout: 0.1 },
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
    loss_type: 'bnpo',
    beta: 0.04,
    use_bias_correction_kl: false,
    // MMHERC turns the adapter off for the KL; dropout would act while sampling otherwise.
    reference: 'base',
    disable_dropout: true,
  },
};

/** Qwen2.5-VL-3B on a GPU of 8 GB, where its base lies in 4 bits, or of 12 GB and more, where 16 bits fit; planned figures: README.md. */
const balanced: Recipe = {
  ...defaultRecipe,
  // All linears with a small rank learn more than two with a large one, for few megabytes; alpha / r is 2.
  lora: { ...defaultRecipe.lora, r: 16, lora_alpha: 32, target_modules: [...TARGET_MODULES] },
  sft: {
    ...defaultRecipe.sft,
    // Adapters take about ten times the rate of full fine-tuning.
    learning_rate: 1e-4,
    lr_scheduler_type: 'cosine',
    warmup_steps: 0.03,
    num_train_epochs: 2,
    per_device_train_batch_size: 2,
    gradient_accumulation_steps: 8,
    max_length: 2048,
    eval_steps: 50,
  },
  grpo: {
    ...defaultRecipe.grpo,
    learning_rate: 1e-5,
    warmup_steps: 0.03,
    num_train_epochs: 1,
    // One group of eight through the model at a time; four groups a step, so that a group without spread costs little.
    per_device_train_batch_size: 8,
    gradient_accumulation_steps: 4,
    max_completion_length: 256,
    eval_steps: 50,
  },
};

/** Qwen2.5-VL-3B on a GPU of 4 to 6 GB: as little as possible lives beside the weights. */
const memoryTight: Recipe = {
  ...defaultRecipe,
  // Prompts are mostly picture: half the length bounds the attention's memory.
  max_prompt_length: 512,
  lora: { ...defaultRecipe.lora, lora_alpha: 16 },
  sft: {
    ...defaultRecipe.sft,
    learning_rate: 2e-4,
    lr_scheduler_type: 'cosine',
    warmup_steps: 0.03,
    num_train_epochs: 2,
    per_device_train_batch_size: 1,
    gradient_accumulation_steps: 16,
    max_length: 768,
  },
  grpo: {
    ...defaultRecipe.grpo,
    learning_rate: 1e-5,
    warmup_steps: 0.03,
    num_train_epochs: 1,
    // Groups of four: key and value caches and logits of four completions at a time; beta 0 needs no second forward.
    num_generations: 4,
    per_device_train_batch_size: 4,
    gradient_accumulation_steps: 4,
    max_completion_length: 128,
  },
  eval: { rows: 50, samples_per_row: 1, temperature: 1 },
};

export const presets = { demo, balanced, 'memory-tight': memoryTight, mmherc } satisfies Record<string, Recipe>;
