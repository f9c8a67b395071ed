// Turns the demo's own recipe form into TRL's names. Values are moved, not judged: the rules see them afterwards.

import { isJsonObject } from '../base/json';
import { put, refuse, renameOptions, sectionOf, STAGES, take } from './recipeTranslation';
import type { Translation } from './recipeTranslation';
import type { Section } from './recipeRules';

/** Other names of options, by section: alias -> the name used here. */
const RENAMED: Partial<Record<Section, Record<string, string>>> = {
  lora: { alpha: 'lora_alpha', dropout: 'lora_dropout' },
  sft: { steps: 'max_steps', batch_size: 'per_device_train_batch_size', schedule: 'lr_scheduler_type' },
  grpo: { steps: 'max_steps', schedule: 'lr_scheduler_type' },
  eval: { sample_temperature: 'temperature' },
};

/** Options that only the demo's form has; any of them makes a recipe one of that form. */
const MARKS: Record<string, readonly string[]> = {
  '': ['optimizer', 'compute_dtype', 'max_completion_length'],
  sft: ['steps', 'batch_size', 'schedule', 'loss_on'],
  grpo: ['steps', 'schedule', 'prompts_per_step', 'logp_temperature'],
};

/** `optimizer: {name, betas, eps, weight_decay}` holds for both stages. */
function spreadOptimizer(translation: Translation): void {
  if (!('optimizer' in translation.recipe)) return;
  const block = take(translation.recipe, 'optimizer');
  if (!isJsonObject(block))
    return refuse(translation, 'optimizer', block, 'an object with name, betas, eps, weight_decay');
  const { name = 'adamw', betas = [0.9, 0.999], eps, weight_decay: decay, ...rest } = block;
  if (name !== 'adamw') refuse(translation, 'optimizer.name', name, '"adamw"');
  for (const key of Object.keys(rest)) {
    const message = `optimizer.${key} is not an option; options of optimizer: name, betas, eps, weight_decay`;
    translation.problems.push({ code: 'recipe.unknown', message });
  }
  const pair: unknown[] = Array.isArray(betas) ? betas : [];
  if (pair.length !== 2) return refuse(translation, 'optimizer.betas', betas, 'two numbers');
  const values = { adam_beta1: pair[0], adam_beta2: pair[1], adam_epsilon: eps, weight_decay: decay };
  for (const [option, value] of Object.entries(values)) {
    if (value === undefined) continue;
    for (const stage of STAGES) put(translation, stage, option, value, 'optimizer');
  }
}

function translateSft(translation: Translation): void {
  const sft = sectionOf(translation, 'sft');
  if (!sft || !('loss_on' in sft)) return;
  const on = take(sft, 'loss_on');
  if (on !== 'full' && on !== 'completion') return refuse(translation, 'sft.loss_on', on, '"full" or "completion"');
  put(translation, 'sft', 'completion_only_loss', on === 'completion', 'sft.loss_on');
}

function translateGrpo(translation: Translation): void {
  const grpo = sectionOf(translation, 'grpo');
  if (!grpo) return;
  if ('logp_temperature' in grpo) {
    const value = take(grpo, 'logp_temperature');
    const temperature = grpo.temperature ?? 1;
    if (value !== temperature)
      refuse(translation, 'grpo.logp_temperature', value, `${JSON.stringify(temperature)} (grpo.temperature)`);
  }
  if (!('prompts_per_step' in grpo)) return;
  const prompts = take(grpo, 'prompts_per_step');
  const { num_generations: size, gradient_accumulation_steps: accumulation = 1 } = grpo;
  if (typeof prompts !== 'number' || typeof size !== 'number' || typeof accumulation !== 'number') {
    return refuse(translation, 'grpo.prompts_per_step', prompts, 'a whole number, with grpo.num_generations given too');
  }
  put(translation, 'grpo', 'per_device_train_batch_size', (prompts * size) / accumulation, 'grpo.prompts_per_step');
}

/** transformers' `constant` ignores its warm-up; the demo's form means what it says. */
function keepWarmup(translation: Translation): void {
  for (const stage of STAGES) {
    const object = sectionOf(translation, stage);
    if (object?.lr_scheduler_type === 'constant' && object.warmup_steps !== undefined && object.warmup_steps !== 0) {
      object.lr_scheduler_type = 'constant_with_warmup';
    }
  }
}

/** What the demo's form leaves unsaid is what the demo's own loops do. */
function fillDemoDefaults(translation: Translation): void {
  const unsaid: [Section, string, unknown, string][] = [
    ['sft', 'loss_normalization', 'step', 'the loss is averaged over all labels of a step'],
    ['grpo', 'use_bias_correction_kl', false, 'the KL term is the plain estimate'],
    ['grpo', 'loss_type', 'bnpo', 'the loss is the mean over the live tokens of a micro-batch'],
    ['grpo', 'reference', 'base', 'the KL compares with the base model'],
    ['grpo', 'disable_dropout', true, ''],
    ['sft', 'gradient_checkpointing', false, ''],
    ['grpo', 'gradient_checkpointing', false, ''],
  ];
  for (const [section, name, value, meaning] of unsaid) {
    const object = (translation.recipe[section] ??= {});
    if (!isJsonObject(object) || name in object) continue;
    object[name] = value;
    if (meaning) translation.notes.push(`${section}.${name} = ${JSON.stringify(value)}: ${meaning}, as in the demo.`);
  }
}

/** Whether the JSON has options that only the demo's form has. */
function isDemoForm(translation: Translation): boolean {
  return Object.entries(MARKS).some(([section, names]) => {
    const object = section === '' ? translation.recipe : sectionOf(translation, section);
    return object !== null && names.some((name) => Object.hasOwn(object, name));
  });
}

/** Rewrites a recipe of the demo's form in place; any other recipe only has its aliases renamed. */
export function translateDemoForm(translation: Translation): void {
  const { recipe } = translation;
  const isDemo = isDemoForm(translation);
  const isDemoSchedule = STAGES.some((stage) => 'schedule' in (sectionOf(translation, stage) ?? {}));
  renameOptions(translation, RENAMED);
  if (!isDemo) return;
  if ('compute_dtype' in recipe) {
    const dtype = take(recipe, 'compute_dtype');
    if (dtype !== 'float32') refuse(translation, 'compute_dtype', dtype, '"float32"');
  }
  if ('max_completion_length' in recipe) {
    const length = take(recipe, 'max_completion_length');
    put(translation, 'grpo', 'max_completion_length', length, 'max_completion_length');
  }
  spreadOptimizer(translation);
  translateSft(translation);
  translateGrpo(translation);
  if (isDemoSchedule) keepWarmup(translation);
  fillDemoDefaults(translation);
}
