// Rewrites what TRL, transformers and PEFT say in another way: names of other versions, strategies, shares, all-linear.
// Values are moved, not judged, where a rule sees them afterwards.

import type { JsonObject } from '../base/json';
import { TARGET_MODULES } from '../base/targetModules';
import { BEST_METRICS } from './config';
import type { Section } from './recipeRules';
import { isNumberIn } from './rule';
import { contradict, put, refuse, renameOptions, sectionOf, shown, STAGES, take } from './recipeTranslation';
import type { Stage, Translation } from './recipeTranslation';

const TRAINER_NAMES = {
  activation_checkpointing: 'gradient_checkpointing',
  evaluation_strategy: 'eval_strategy',
};

/** Names of other versions. */
const RENAMED: Partial<Record<Section, Record<string, string>>> = {
  sft: { ...TRAINER_NAMES, max_seq_length: 'max_length' },
  grpo: TRAINER_NAMES,
};

const TRAINER_NULLS = [
  'activation_checkpointing',
  'gradient_checkpointing',
  'eval_steps',
  'metric_for_best_model',
].concat(['warmup_ratio', 'eval_strategy', 'evaluation_strategy', 'save_strategy', 'seed', 'save_total_limit']);

/** Options whose null means that the default is taken. */
const NULL_IS_UNSAID: Partial<Record<Section, readonly string[]>> = {
  lora: ['target_modules', 'exclude_modules'],
  sft: [...TRAINER_NULLS, 'completion_only_loss'],
  grpo: [...TRAINER_NULLS, 'num_generations_eval', 'max_prompt_length'],
};

/** Library names that are rewritten here, for whoever lists what becomes of every option. */
export const REWRITTEN_OPTIONS: Record<Section, readonly string[]> = {
  lora: ['exclude_modules'],
  sft: [...Object.keys(TRAINER_NAMES), 'max_seq_length', 'warmup_ratio', 'eval_strategy', 'save_strategy', 'seed'],
  grpo: [
    ...Object.keys(TRAINER_NAMES),
    ...['warmup_ratio', 'eval_strategy', 'save_strategy', 'seed', 'num_generations_eval', 'max_prompt_length'],
  ],
  eval: [],
};

function dropNulls(translation: Translation): void {
  for (const [section, names] of Object.entries(NULL_IS_UNSAID)) {
    const object = sectionOf(translation, section);
    if (!object) continue;
    for (const name of names) if (object[name] === null) delete object[name];
  }
}

/** TRL's `logging_steps` where it is not given: what `eval_strategy` steps falls back to. */
const LOGGING_STEPS = 10;

/** One seed draws the whole run; it may stand at the top or in a stage. */
function takeSeed(translation: Translation): void {
  const places: [string, JsonObject | null][] = [
    ['seed', translation.recipe],
    ...STAGES.map((stage): [string, JsonObject | null] => [`${stage}.seed`, sectionOf(translation, stage)]),
  ];
  const given = places.flatMap(([path, object]) =>
    object && Object.hasOwn(object, 'seed') ? [{ path, value: take(object, 'seed') }] : [],
  );
  for (const { path, value } of given) {
    if (Number.isSafeInteger(value) && (value as number) >= 0) continue;
    translation.problems.push({
      code: 'recipe.value',
      message: `${path} is ${shown(value)}; allowed: a whole number at least 0`,
    });
    return;
  }
  if (new Set(given.map(({ value }) => value)).size > 1) {
    const list = given.map(({ path, value }) => `${path} ${String(value)}`).join(' and ');
    return contradict(translation, `${list} differ: one seed draws the whole run`);
  }
  const [first] = given;
  if (first) translation.seed = first.value as number;
}

function moveWarmupRatio(translation: Translation, stage: Stage, object: JsonObject): void {
  if (!Object.hasOwn(object, 'warmup_ratio')) return;
  const ratio = take(object, 'warmup_ratio');
  if (!isNumberIn(ratio, { min: 0, below: 1 })) {
    return refuse(translation, `${stage}.warmup_ratio`, ratio, 'a share of all steps, at least 0 and below 1');
  }
  if (ratio === 0) return;
  const steps = object.warmup_steps;
  if (steps !== undefined && steps !== 0 && steps !== ratio) {
    return contradict(
      translation,
      `${stage}.warmup_ratio ${ratio} and ${stage}.warmup_steps ${shown(steps)} are both given: keep one`,
    );
  }
  object.warmup_steps = ratio;
}

function applyEvalStrategy(translation: Translation, stage: Stage, object: JsonObject): void {
  if (!Object.hasOwn(object, 'eval_strategy')) return;
  const strategy = take(object, 'eval_strategy');
  if (strategy === 'no') {
    if (object.eval_steps) translation.notes.push(`${stage}.eval_strategy is "no": ${stage}.eval_steps is taken as 0.`);
    object.eval_steps = 0;
  } else if (strategy === 'steps') {
    if (object.eval_steps) return;
    object.eval_steps = object.logging_steps ?? LOGGING_STEPS;
    translation.notes.push(`${stage}.eval_steps is taken as ${shown(object.eval_steps)}, the logging_steps.`);
  } else {
    const why = 'evaluations are counted in steps; before and after a stage there is one anyway';
    refuse(translation, `${stage}.eval_strategy`, strategy, `"no" or "steps" (${why})`);
  }
}

function applySaveStrategy(translation: Translation, stage: Stage, object: JsonObject): void {
  if (!Object.hasOwn(object, 'save_strategy')) return;
  const strategy = take(object, 'save_strategy');
  if (strategy === 'no') object.save_steps = 0;
  else if (strategy !== 'steps') {
    const why = 'checkpoints are counted in steps; load_best_model_at_end keeps the best as well';
    refuse(translation, `${stage}.save_strategy`, strategy, `"no" or "steps" (${why})`);
  }
}

/** transformers adds `eval_` where it is missing. */
function completeMetric(object: JsonObject): void {
  const full = `eval_${String(object.metric_for_best_model)}`;
  if ((BEST_METRICS as readonly string[]).includes(full)) object.metric_for_best_model = full;
}

function rewriteStages(translation: Translation): void {
  for (const stage of STAGES) {
    const object = sectionOf(translation, stage);
    if (!object) continue;
    moveWarmupRatio(translation, stage, object);
    applyEvalStrategy(translation, stage, object);
    applySaveStrategy(translation, stage, object);
    completeMetric(object);
  }
}

function rewriteGrpo(translation: Translation): void {
  const grpo = sectionOf(translation, 'grpo');
  if (!grpo) return;
  if (typeof grpo.scale_rewards === 'boolean') grpo.scale_rewards = grpo.scale_rewards ? 'group' : 'none';
  if (Object.hasOwn(grpo, 'max_prompt_length')) {
    put(translation, '', 'max_prompt_length', take(grpo, 'max_prompt_length'), 'grpo.max_prompt_length');
    translation.notes.push(
      'grpo.max_prompt_length holds for both stages here, and longer rows are left out, not cut: max_prompt_length.',
    );
  }
  if (Object.hasOwn(grpo, 'num_generations_eval')) {
    put(translation, 'eval', 'samples_per_row', take(grpo, 'num_generations_eval'), 'grpo.num_generations_eval');
    translation.notes.push('grpo.num_generations_eval is taken as eval.samples_per_row.');
  }
}

// The pattern is compared as text, never run: a regex of someone else's may take forever.
const VISION_TOWER = /^\^?(\.\*)?(\\?\.)?(model\\?\.)?visual(\\?\.)?(\.\*)?\$?$/;

function rewriteLora(translation: Translation): void {
  const lora = sectionOf(translation, 'lora');
  if (!lora) return;
  if (lora.target_modules === 'all-linear') {
    lora.target_modules = [...TARGET_MODULES];
    translation.notes.push('lora.target_modules "all-linear" is taken as the seven linears of the language model.');
  }
  if (!Object.hasOwn(lora, 'exclude_modules')) return;
  const given = take(lora, 'exclude_modules');
  const patterns = Array.isArray(given) ? given : [given];
  if (patterns.every((pattern) => typeof pattern === 'string' && VISION_TOWER.test(pattern))) return;
  const why = 'the vision tower never gets an adapter; choose the linears by target_modules';
  refuse(translation, 'lora.exclude_modules', given, `a pattern of the vision tower such as ".*visual.*" (${why})`);
}

/** Rewrites the libraries' forms in place; what it decided is noted. */
export function translateLibraryForms(translation: Translation): void {
  dropNulls(translation);
  renameOptions(translation, RENAMED);
  takeSeed(translation);
  rewriteLora(translation);
  rewriteStages(translation);
  rewriteGrpo(translation);
}
