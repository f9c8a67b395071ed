// The options in the order of the form, with their inputs and one line of help. Tables only; the common ones first.

import type { BuiltInReward, LossType } from '../../recipe/config';
import type { Section } from '../../recipe/recipeRules';

export type FieldKind =
  | { type: 'text'; long: boolean }
  | { type: 'number'; nullText?: string }
  | { type: 'boolean' }
  /** The values are those of the option's rule. */
  | { type: 'choice'; nullText?: string }
  | { type: 'modules' }
  | { type: 'rewards' }
  /** Edited together with another field. */
  | { type: 'elsewhere' };

/** @param shownFor the loss types with which the option acts; left out: all */
export type Entry = [name: string, kind: FieldKind, help: string, shownFor?: readonly LossType[]];

export interface EntryGroup {
  title: string;
  entries: Entry[];
}

const number: FieldKind = { type: 'number' };
const numberOr = (nullText: string): FieldKind => ({ type: 'number', nullText });
const choice: FieldKind = { type: 'choice' };
const text = (long: boolean): FieldKind => ({ type: 'text', long });
const flag: FieldKind = { type: 'boolean' };

const PROMPT: Entry[] = [
  ['system_prompt', text(true), 'What the model is told before each question.'],
  ['prompt_template', text(false), 'The user’s text; {question} is replaced.'],
  ['target_template', text(true), 'The wanted text; {thought}, {answer}.'],
  ['max_prompt_length', number, 'Longest prompt in tokens; longer rows are reported and left out.'],
  ['image_loading', choice, 'library: upright, transparency on white; recipe: as stored, alpha dropped.'],
  ['min_pixels', numberOr('model’s own'), 'Least pixels of a picture; smaller ones are enlarged.'],
  ['max_pixels', numberOr('model’s own'), 'Most pixels of a picture; 784 of them are a token.'],
  ['grpo_pre_resize', flag, 'MMHERC’s Lanczos resize of pictures before GRPO.'],
];

const BASE_MODEL: Entry[] = [
  ['load_in_4bit', { type: 'choice', nullText: 'by GPU memory' }, 'QLoRA: the linears of the base in 4 bits.'],
  ['bnb_4bit_quant_type', choice, 'The kind of 4 bits: NormalFloat.'],
  ['bnb_4bit_use_double_quant', flag, 'Round the 4-bit scales to 8 bits too, as bitsandbytes does.'],
  ['dtype', choice, 'What is not in 4 bits: auto as in the files, or float32, bfloat16, float16.'],
];

const LORA: Entry[] = [
  ['r', number, 'Rank of the adapter.'],
  ['lora_alpha', number, 'Scale: the adapter counts alpha / r.'],
  ['lora_dropout', number, 'Dropout on the adapter’s input in SFT; 0 is best for GRPO.'],
  ['use_rslora', flag, 'The adapter counts alpha / √r instead.'],
  ['init_lora_weights', choice, 'true: A random, B zero; gaussian: A normal; false: both random.'],
  ['target_modules', { type: 'modules' }, 'Linears of the language model that get an adapter.'],
];

const STEPS: Entry[] = [
  ['max_steps', number, 'Optimizer steps; -1: by epochs; 0: leave this stage out.'],
  ['num_train_epochs', number, 'Passes over the rows, where max_steps is -1.'],
];

const BATCHES: Entry[] = [
  ['per_device_train_batch_size', number, 'Rows (SFT) or completions (GRPO) in a micro-batch.'],
  ['gradient_accumulation_steps', number, 'Micro-batches in an optimizer step.'],
];

const RECOMPUTE: Entry = [
  'gradient_checkpointing',
  choice,
  'Recompute activations: less memory, more time; auto: only of the layers that would not fit.',
];

const OPTIMIZER: Entry[] = [
  ['learning_rate', number, 'Peak learning rate of AdamW.'],
  ['lr_scheduler_type', choice, 'Course of the rate.'],
  ['warmup_steps', number, 'Steps; below 1 a share of all steps.'],
  ['max_grad_norm', number, 'Gradients are clipped to this norm; 0: off.'],
  ['weight_decay', number, 'AdamW’s decay of the adapter.'],
  ['adam_beta1', number, 'Decay of the mean gradient.'],
  ['adam_beta2', number, 'Decay of the squared gradient.'],
  ['adam_epsilon', number, 'Added to the root of the squared gradient.'],
];

const CHECKPOINTS: Entry[] = [
  ['eval_steps', number, 'Validate every N steps; 0: before and after a stage only.'],
  ['save_steps', number, 'Save a checkpoint every N steps; 0: between stages and when stopped.'],
  ['save_total_limit', number, 'Checkpoints kept, the best not counted.'],
  ['load_best_model_at_end', flag, 'End the stage with the best adapter instead of the last.'],
  ['metric_for_best_model', choice, 'What the best is judged by.'],
  ['greater_is_better', { type: 'choice', nullText: 'by the metric' }, 'Which way the metric improves.'],
  ['early_stopping_patience', numberOr('off'), 'End after N evaluations without an improvement.'],
  ['early_stopping_threshold', number, 'Least improvement that counts.'],
];

const SFT_DATA: Entry[] = [
  ['rows', numberOr('all'), 'Use only the first N training rows.'],
  ['max_length', numberOr('model’s context'), 'Longer examples are reported and left out, never cut.'],
  ['packing', flag, 'Fill packs of max_length tokens with several examples.'],
];

const SFT_LOSS: Entry[] = [
  ['completion_only_loss', flag, 'Learn the answer only; off: the prompt too (MMHERC).'],
  ['loss_normalization', choice, 'Mean over each micro-batch (TRL), or over the step’s labels.'],
];

const ROLLOUTS: Entry[] = [
  ['steps_per_generation', numberOr('accumulation'), 'Micro-batches cut from one rollout.'],
  ['generation_batch_size', numberOr('batch × steps'), 'Completions of one rollout; instead of steps_per_generation.'],
  ['num_iterations', number, 'Passes over one rollout (μ).'],
  ['shuffle_dataset', flag, 'Prompts in a new order in each pass; off: as in the file.'],
  RECOMPUTE,
];

const SAMPLING: Entry[] = [
  ['num_generations', number, 'Completions per prompt: one group.'],
  ['max_completion_length', number, 'Longest completion in tokens.'],
  ['temperature', number, 'Sampling temperature.'],
  ['top_k', number, 'Sample from the k likeliest tokens; 0: off.'],
  ['top_p', number, 'Sample from the likeliest tokens up to this share; 1: off.'],
  ['min_p', numberOr('off'), 'Least share of the likeliest token’s probability.'],
  ['repetition_penalty', number, 'Above 1: repeated tokens get less likely.'],
  ['disable_dropout', flag, 'No dropout in GRPO; needed where lora_dropout is not 0.'],
];

const REWARDS: Entry[] = [
  ['reward_funcs', { type: 'rewards' }, 'What completions are scored by, each with its weight.'],
  ['reward_weights', { type: 'elsewhere' }, 'One weight per reward.'],
  ['scale_rewards', choice, 'What the advantages are divided by.'],
  ['multi_objective_aggregation', choice, 'Sum rewards, then normalise; or each reward by itself first.'],
  ['mask_truncated_completions', flag, 'Completions cut off by the length limit are not learned from.'],
];

const CLIPPING: readonly LossType[] = ['grpo', 'bnpo', 'dr_grpo', 'dapo', 'luspo'];

const LOSS: Entry[] = [
  ['loss_type', choice, 'The policy loss, and how token losses become one number.'],
  ['beta', number, 'Weight of the KL to the reference; 0: off.'],
  ['reference', choice, 'The KL’s reference: the base, or the adapter that GRPO starts from (TRL).'],
  ['epsilon', number, 'Clip range of the probability ratio.', CLIPPING],
  ['epsilon_high', numberOr('as epsilon'), 'Upper clip range; with cispo the bound itself.', [...CLIPPING, 'cispo']],
  ['delta', numberOr('off'), 'Upper bound of the unclipped ratio.', CLIPPING],
  ['importance_sampling_level', choice, 'One ratio per token, or per sequence (GSPO).'],
  ['use_bias_correction_kl', flag, 'TRL’s corrected KL; off in MMHERC.'],
  ['top_entropy_quantile', number, 'Share of tokens that are learned from, the least certain first; 1: all.'],
  ['entropy_coef', number, 'Weight of an entropy bonus; 0: off.'],
  ['sapo_temperature_pos', number, 'Steepness of the gate, advantage above 0.', ['sapo']],
  ['sapo_temperature_neg', number, 'Steepness of the gate, other advantages.', ['sapo']],
  ['vespo_k_pos', number, 'Power of the ratio, advantage not below 0.', ['vespo']],
  ['vespo_lambda_pos', number, 'Decay in the ratio, advantage not below 0.', ['vespo']],
  ['vespo_k_neg', number, 'Power of the ratio, advantage below 0.', ['vespo']],
  ['vespo_lambda_neg', number, 'Decay in the ratio, advantage below 0.', ['vespo']],
];

const EVAL: Entry[] = [
  ['rows', numberOr('all'), 'Validation rows used.'],
  ['samples_per_row', number, 'Sampled completions per row; 0: greedy only.'],
  ['temperature', number, 'Temperature of the sampled completions.'],
];

/** The form's sections, each with groups under a title of their own (empty: no heading). */
export const SECTION_ENTRIES: { section: '' | Section; title: string; groups: EntryGroup[] }[] = [
  { section: '', title: 'Prompt', groups: [{ title: '', entries: PROMPT }] },
  { section: '', title: 'Base model', groups: [{ title: '', entries: BASE_MODEL }] },
  { section: 'lora', title: 'LoRA', groups: [{ title: '', entries: LORA }] },
  {
    section: 'sft',
    title: 'SFT',
    groups: [
      { title: 'Steps and batches', entries: [...STEPS, ...BATCHES, ...SFT_DATA, RECOMPUTE] },
      { title: 'Optimizer', entries: OPTIMIZER },
      { title: 'Loss', entries: SFT_LOSS },
      { title: 'Evaluation and checkpoints', entries: CHECKPOINTS },
    ],
  },
  {
    section: 'grpo',
    title: 'GRPO',
    groups: [
      { title: 'Sampling', entries: SAMPLING },
      { title: 'Rewards', entries: REWARDS },
      { title: 'Loss', entries: LOSS },
      { title: 'Steps and batches', entries: [...STEPS, ...BATCHES, ...ROLLOUTS] },
      { title: 'Optimizer', entries: OPTIMIZER },
      { title: 'Evaluation and checkpoints', entries: CHECKPOINTS },
    ],
  },
  { section: 'eval', title: 'Validation', groups: [{ title: '', entries: EVAL }] },
];

/** The built-in rewards in the order of the form, with what each gives. */
export const BUILT_IN_REWARD_HELP: Record<BuiltInReward, string> = {
  semantic: 'Meaning of the answer, close to the true one: up to 1.',
  format: 'Thought and answer in their tags: up to 1.',
  exact_match: 'The answer equals the true one: 0 or 1.',
  length: 'TRL’s punishment of completions near the length limit: 0 down to -1.',
};
