// How each option of a recipe is edited: its input and one line of help. What a value may be is train/recipeRules.

import type { Recipe, TargetModule } from '../../train/config';
import { SECTION_RULES, TOP_RULES, type Rule, type Section } from '../../train/recipeRules';

export type FieldKind =
  | { type: 'text'; long: boolean }
  | { type: 'number'; nullText?: string }
  | { type: 'boolean' }
  | { type: 'choice'; options: readonly string[] }
  | { type: 'modules' }
  | { type: 'pair'; names: readonly [string, string] };

export interface RecipeField {
  /** Section and name, as in the recipe's JSON; top-level options have an empty section. */
  section: '' | Section;
  name: string;
  kind: FieldKind;
  help: string;
}

/** The linears that may get an adapter, in the order of a layer. */
export const MODULES: readonly TargetModule[] = [
  'q_proj',
  'k_proj',
  'v_proj',
  'o_proj',
  'gate_proj',
  'up_proj',
  'down_proj',
];

const number: FieldKind = { type: 'number' };
const numberOr = (nullText: string): FieldKind => ({ type: 'number', nullText });
const choice = (...options: string[]): FieldKind => ({ type: 'choice', options });
const text = (long: boolean): FieldKind => ({ type: 'text', long });
const flag: FieldKind = { type: 'boolean' };

type Entry = [name: string, kind: FieldKind, help: string];

const PROMPT: Entry[] = [
  ['system_prompt', text(true), 'What the model is told before each question.'],
  ['prompt_template', text(false), 'The user’s text; {question} is replaced.'],
  ['target_template', text(true), 'The wanted text; {thought}, {answer}.'],
  ['max_prompt_length', number, 'Longest prompt in tokens; longer rows are reported and left out.'],
  ['grpo_pre_resize', flag, 'MMHERC’s Lanczos resize of pictures before GRPO.'],
];

const LORA: Entry[] = [
  ['r', number, 'Rank of the adapter.'],
  ['lora_alpha', number, 'Scale: the adapter counts alpha / r.'],
  ['lora_dropout', number, 'Dropout on the adapter’s input; 0 is best for GRPO.'],
  ['target_modules', { type: 'modules' }, 'Linears of the language model that get an adapter.'],
];

const OPTIMIZER: Entry[] = [
  ['learning_rate', number, 'Peak learning rate of AdamW.'],
  ['lr_scheduler_type', choice('linear', 'cosine', 'constant', 'constant_with_warmup'), 'Course of the rate.'],
  ['warmup_steps', number, 'Steps; below 1 a share of all steps.'],
  ['max_steps', number, 'Optimizer steps; -1: by epochs; 0: leave this stage out.'],
  ['num_train_epochs', number, 'Passes over the rows, where max_steps is -1.'],
  ['per_device_train_batch_size', number, 'Rows (SFT) or completions (GRPO) in a micro-batch.'],
  ['gradient_accumulation_steps', number, 'Micro-batches in an optimizer step.'],
  ['max_grad_norm', number, 'Gradients are clipped to this norm.'],
  ['weight_decay', number, 'AdamW’s decay of the adapter.'],
  ['adam_beta1', number, 'Decay of the mean gradient.'],
  ['adam_beta2', number, 'Decay of the squared gradient.'],
  ['adam_epsilon', number, 'Added to the root of the squared gradient.'],
  ['eval_steps', number, 'Validate every N steps; 0: before and after a stage only.'],
  ['gradient_checkpointing', flag, 'Recompute activations: less memory, more time.'],
];

const SFT: Entry[] = [
  ['rows', numberOr('all'), 'Use only the first N training rows.'],
  ['max_length', numberOr('model’s context'), 'Longer examples are reported and left out, never cut.'],
  ['completion_only_loss', flag, 'Learn the answer only; off: the prompt too (MMHERC).'],
  ['loss_normalization', choice('micro_batch', 'step'), 'Mean over each micro-batch (TRL), or over the step’s labels.'],
];

const GRPO: Entry[] = [
  ['num_generations', number, 'Completions per prompt: one group.'],
  ['max_completion_length', number, 'Longest completion in tokens.'],
  ['loss_type', choice('grpo', 'bnpo'), 'How token losses become one number.'],
  ['beta', number, 'Weight of the KL to the base model; 0: off.'],
  ['epsilon', number, 'Clip range of the probability ratio.'],
  ['epsilon_high', numberOr('as epsilon'), 'Upper clip range.'],
  ['scale_rewards', choice('group', 'batch', 'none'), 'What the advantages are divided by.'],
  ['reward_weights', { type: 'pair', names: ['semantic', 'format'] }, 'Weights of the two rewards.'],
  ['use_bias_correction_kl', flag, 'TRL’s corrected KL; off in MMHERC.'],
  ['reference', choice('base'), 'What the KL compares with: the base, adapter off.'],
  ['temperature', number, 'Sampling temperature.'],
  ['top_k', number, 'Sample from the k likeliest tokens; 0: off.'],
  ['top_p', number, 'Sample from the likeliest tokens up to this share; 1: off.'],
  ['min_p', numberOr('off'), 'Least share of the likeliest token’s probability.'],
  ['repetition_penalty', number, 'Above 1: repeated tokens get less likely.'],
];

const EVAL: Entry[] = [
  ['rows', numberOr('all'), 'Validation rows used.'],
  ['samples_per_row', number, 'Sampled completions per row; 0: greedy only.'],
  ['temperature', number, 'Temperature of the sampled completions.'],
];

/** The options in the order of the form, by section. */
export const SECTIONS: { section: RecipeField['section']; title: string; fields: RecipeField[] }[] = (
  [
    ['', 'Prompt', PROMPT],
    ['lora', 'LoRA', LORA],
    ['sft', 'SFT', [...OPTIMIZER, ...SFT]],
    ['grpo', 'GRPO', [...GRPO, ...OPTIMIZER]],
    ['eval', 'Validation', EVAL],
  ] as const
).map(([section, title, entries]) => ({
  section,
  title,
  fields: entries.map(([name, kind, help]) => ({ section, name, kind, help })),
}));

/** The option's value in a recipe. */
export function fieldValue(recipe: Recipe, field: RecipeField): unknown {
  const top = recipe as unknown as Record<string, unknown>;
  const home = field.section === '' ? top : (top[field.section] as Record<string, unknown>);
  return home[field.name];
}

/** A copy of the recipe with one option changed; the value must have passed `fieldProblem`. */
export function withField(recipe: Recipe, field: RecipeField, value: unknown): Recipe {
  if (field.section === '') return { ...recipe, [field.name]: value };
  return { ...recipe, [field.section]: { ...recipe[field.section], [field.name]: value } };
}

/** What is wrong with a value of the option, as the end of a sentence; null when nothing is. */
export function fieldProblem(field: RecipeField, value: unknown): string | null {
  const rules: Record<string, Rule> = field.section === '' ? TOP_RULES : SECTION_RULES[field.section];
  const rule = rules[field.name];
  return rule && !rule.accepts(value) ? `allowed: ${rule.allowed}` : null;
}
