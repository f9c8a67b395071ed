// What options that are each allowed may not be together, and what is worth knowing about those that may.

import { BUILT_IN_REWARDS } from './config';
import type { GrpoOptions, LossType, OptimizerOptions, Recipe, UserReward } from './config';
import { STAGES } from './recipeTranslation';

const REWARD_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Losses that clip the ratio between 1 - epsilon and 1 + epsilon_high, where delta acts as well. */
const CLIPPED: readonly LossType[] = ['grpo', 'bnpo', 'dr_grpo', 'dapo', 'luspo'];

/** Losses that sum over tokens, so that a ratio per sequence counts once per token (TRL warns as well). */
const TOKEN_SUMS: readonly LossType[] = ['bnpo', 'dr_grpo', 'dapo', 'cispo'];

/** Completions of one rollout, and the options that make them. Source: TRL 1.16 `GRPOConfig.__post_init__`. */
function batchProblems(grpo: GrpoOptions): string[] {
  const { per_device_train_batch_size: batch, gradient_accumulation_steps: accumulation } = grpo;
  const { steps_per_generation: steps, generation_batch_size: whole, num_generations: size } = grpo;
  if (steps !== null && whole !== null) {
    return ['grpo.generation_batch_size and grpo.steps_per_generation are both given: each follows from the other'];
  }
  if (whole !== null && whole % batch !== 0) {
    return [`grpo.generation_batch_size is ${whole}; allowed: a multiple of per_device_train_batch_size ${batch}`];
  }
  const completions = whole ?? batch * (steps ?? accumulation);
  if (completions % size === 0) return [];
  const made =
    whole !== null
      ? `grpo.generation_batch_size ${whole}`
      : `grpo.per_device_train_batch_size ${batch} x ` +
        (steps !== null ? `steps_per_generation ${steps}` : `gradient_accumulation_steps ${accumulation}`) +
        ` = ${completions}`;
  return [`${made} completions a rollout; allowed: a multiple of grpo.num_generations ${size}`];
}

function userRewardProblems({ name }: UserReward): string[] {
  if (!REWARD_NAME.test(name)) {
    return [
      `grpo.reward_funcs: the name ${JSON.stringify(name)} is not made of letters, digits and _ (no digit first)`,
    ];
  }
  const isTaken = (BUILT_IN_REWARDS as readonly string[]).includes(name);
  return isTaken ? [`grpo.reward_funcs: ${name} is the name of a built-in reward; give your own another name`] : [];
}

function rewardProblems({ reward_funcs: funcs, reward_weights: weights }: GrpoOptions): string[] {
  const problems = funcs.flatMap((reward) => (typeof reward === 'string' ? [] : userRewardProblems(reward)));
  const names = funcs.map((reward) => (typeof reward === 'string' ? reward : reward.name));
  const repeated = new Set(names.filter((name, i) => names.indexOf(name) !== i));
  for (const name of repeated) problems.push(`grpo.reward_funcs has ${JSON.stringify(name)} more than once`);
  if (weights !== null && weights.length !== funcs.length) {
    problems.push(
      `grpo.reward_weights has ${weights.length} numbers; allowed: one for each of the ${funcs.length} ` +
        `grpo.reward_funcs (${names.join(', ')}), or null (all 1)`,
    );
  }
  return problems;
}

function lossProblems({ lora, grpo }: Recipe): string[] {
  const problems: string[] = [];
  if (lora.lora_dropout > 0 && grpo.max_steps !== 0 && !grpo.disable_dropout) {
    problems.push(
      `lora.lora_dropout ${lora.lora_dropout} with grpo.disable_dropout false; allowed: disable_dropout true, or ` +
        'lora_dropout 0 (TRL would sample and score under dropout, which this program does not do)',
    );
  }
  return problems;
}

function checkpointProblems(stage: string, options: OptimizerOptions): string[] {
  if (options.eval_steps > 0) return [];
  const askers = [
    ...(options.load_best_model_at_end ? ['load_best_model_at_end'] : []),
    ...(options.early_stopping_patience !== null ? ['early_stopping_patience'] : []),
  ];
  return askers.map((name) => `${stage}.${name} is given with ${stage}.eval_steps 0; allowed: eval_steps at least 1`);
}

function pixelProblems({ min_pixels: least, max_pixels: most }: Recipe): string[] {
  if (least === null || most === null || least <= most) return [];
  return [`min_pixels is ${least} with max_pixels ${most}; allowed: min_pixels at most max_pixels`];
}

/** Every problem between options that are each allowed, one sentence each. */
export function combinationProblems(recipe: Recipe): string[] {
  const { sft, grpo } = recipe;
  const packing = sft.packing && sft.max_length === null;
  return [
    ...batchProblems(grpo),
    ...rewardProblems(grpo),
    ...lossProblems(recipe),
    ...pixelProblems(recipe),
    ...STAGES.flatMap((stage) => checkpointProblems(stage, recipe[stage])),
    ...(packing ? ['sft.packing is true with sft.max_length null; allowed: max_length, the tokens of a pack'] : []),
  ];
}

function lossNotes(grpo: GrpoOptions): string[] {
  const { loss_type: type, importance_sampling_level: level } = grpo;
  const notes: string[] = [];
  const bound = grpo.epsilon_high ?? grpo.epsilon;
  if (type === 'cispo' && bound < 1) {
    notes.push(
      `grpo.loss_type "cispo" takes epsilon_high as the ratio's bound itself: ${bound} scales every token down; ` +
        'a bound of at least 1, such as 5, is usual.',
    );
  }
  // TRL warns too, and trains.
  if (type === 'luspo' && level === 'token') {
    notes.push('grpo.loss_type "luspo" is made for importance_sampling_level "sequence"; this recipe has "token".');
  }
  if (type === 'vespo' && level === 'sequence') {
    notes.push(
      'grpo.loss_type "vespo" forms its own ratio of the sequence; importance_sampling_level "token" is usual.',
    );
  }
  if (level === 'sequence' && TOKEN_SUMS.includes(type)) {
    notes.push(`grpo.loss_type "${type}" with a ratio per sequence weighs long completions more; GSPO uses "grpo".`);
  }
  if (grpo.delta !== null && !CLIPPED.includes(type)) {
    notes.push(`grpo.delta does not act with loss_type "${type}"; it does with ${CLIPPED.join(', ')}.`);
  }
  return notes;
}

/** What is worth knowing about a recipe without problems, one sentence each. */
export function combinationNotes(recipe: Recipe): string[] {
  const { lora, grpo } = recipe;
  const isGrpo = grpo.max_steps !== 0;
  const notes = isGrpo ? lossNotes(grpo) : [];
  for (const stage of STAGES) {
    const { lr_scheduler_type: type, warmup_steps: warmup } = recipe[stage];
    if (type !== 'constant' || warmup === 0) continue;
    notes.push(`${stage}.lr_scheduler_type "constant" has no warm-up; "constant_with_warmup" has.`);
  }
  if (isGrpo && lora.lora_dropout > 0) {
    notes.push('lora.lora_dropout acts in SFT only; GRPO runs without dropout (disable_dropout).');
  }
  return notes;
}
