// Turns the demo's own recipe form into TRL's names. Values are moved, not judged: the rules see them afterwards.

import type { Section } from './recipeRules';

/** A plain JSON object. */
export type JsonObject = Record<string, unknown>;

/** One thing wrong with a recipe. */
export interface RecipeProblem {
  code: 'recipe.unknown' | 'recipe.unsupported' | 'recipe.value' | 'recipe.combination';
  message: string;
}

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

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What is at hand while one recipe is translated. */
interface Translation {
  recipe: JsonObject;
  notes: string[];
  problems: RecipeProblem[];
}

/** The section as an object that may be written to; absent or malformed sections give null. */
function sectionOf({ recipe }: Translation, name: string): JsonObject | null {
  const value = recipe[name];
  return isObject(value) ? value : null;
}

function take(object: JsonObject, key: string): unknown {
  const value = object[key];
  delete object[key];
  return value;
}

function refuse(translation: Translation, option: string, value: unknown, allowed: string): void {
  const message = `${option} is ${JSON.stringify(value)}; allowed: ${allowed}`;
  translation.problems.push({ code: 'recipe.unsupported', message });
}

/** Moves `value` to `section.name` unless the option is there already, which is a contradiction. */
function put(translation: Translation, section: string, name: string, value: unknown, from: string): void {
  const target = (translation.recipe[section] ??= {});
  if (!isObject(target)) return;
  if (name in target) {
    const message = `${from} and ${section}.${name} are both given: they are the same option, keep one`;
    translation.problems.push({ code: 'recipe.combination', message });
    return;
  }
  target[name] = value;
}

function renameOptions(translation: Translation): void {
  for (const [section, names] of Object.entries(RENAMED)) {
    const object = sectionOf(translation, section);
    if (!object) continue;
    for (const [alias, name] of Object.entries(names)) {
      if (alias in object) put(translation, section, name, take(object, alias), `${section}.${alias}`);
    }
  }
}

/** `optimizer: {name, betas, eps, weight_decay}` holds for both stages. */
function spreadOptimizer(translation: Translation): void {
  if (!('optimizer' in translation.recipe)) return;
  const block = take(translation.recipe, 'optimizer');
  if (!isObject(block)) return refuse(translation, 'optimizer', block, 'an object with name, betas, eps, weight_decay');
  const { name = 'adamw', betas = [0.9, 0.999], eps, weight_decay: decay, ...rest } = block;
  if (name !== 'adamw') refuse(translation, 'optimizer.name', name, '"adamw"');
  for (const key of Object.keys(rest)) {
    const message = `optimizer.${key} is not an option; options of optimizer: name, betas, eps, weight_decay`;
    translation.problems.push({ code: 'recipe.unknown', message });
  }
  if (!Array.isArray(betas) || betas.length !== 2) return refuse(translation, 'optimizer.betas', betas, 'two numbers');
  const values = { adam_beta1: betas[0], adam_beta2: betas[1], adam_epsilon: eps, weight_decay: decay };
  for (const [option, value] of Object.entries(values)) {
    if (value === undefined) continue;
    for (const stage of ['sft', 'grpo']) put(translation, stage, option, value, 'optimizer');
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
    if (value !== temperature) refuse(translation, 'grpo.logp_temperature', value, `${temperature} (grpo.temperature)`);
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
  for (const stage of ['sft', 'grpo']) {
    const object = sectionOf(translation, stage);
    if (object?.lr_scheduler_type === 'constant' && object.warmup_steps !== undefined && object.warmup_steps !== 0) {
      object.lr_scheduler_type = 'constant_with_warmup';
    }
  }
}

/** What the demo's form leaves unsaid is what the demo's own loops do. */
function fillDemoDefaults(translation: Translation): void {
  const unsaid: [string, string, unknown, string][] = [
    ['sft', 'loss_normalization', 'step', 'the loss is averaged over all labels of a step'],
    ['grpo', 'use_bias_correction_kl', false, 'the KL term is the plain estimate'],
    ['sft', 'gradient_checkpointing', false, ''],
    ['grpo', 'gradient_checkpointing', false, ''],
  ];
  for (const [section, name, value, meaning] of unsaid) {
    const object = (translation.recipe[section] ??= {});
    if (!isObject(object) || name in object) continue;
    object[name] = value;
    if (meaning) translation.notes.push(`${section}.${name} = ${JSON.stringify(value)}: ${meaning}, as in the demo.`);
  }
}

/**
 * Rewrites a recipe of the demo's form into TRL's names; any other recipe only has its aliases renamed.
 * @param json an object; not changed
 * @returns the rewritten copy, notes for the user, and problems found on the way
 */
export function translateRecipe(json: JsonObject): Translation {
  const translation: Translation = { recipe: structuredClone(json), notes: [], problems: [] };
  const { recipe } = translation;
  const isDemoForm = Object.entries(MARKS).some(([section, names]) => {
    const object = section === '' ? recipe : sectionOf(translation, section);
    return object !== null && names.some((name) => name in object);
  });
  const isDemoSchedule = ['sft', 'grpo'].some((stage) => 'schedule' in (sectionOf(translation, stage) ?? {}));
  renameOptions(translation);
  if (!isDemoForm) return translation;
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
  return translation;
}
