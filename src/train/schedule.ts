// Learning-rate schedules and the number of optimizer steps, as transformers' Trainer has them.
// Pure functions of counters; no state.

import { check } from '../base/errors';
import type { GrpoOptions, OptimizerOptions } from '../recipe/config';

type ScheduleOptions = Pick<OptimizerOptions, 'learning_rate' | 'lr_scheduler_type' | 'warmup_steps'>;
type LengthOptions = Pick<
  OptimizerOptions,
  'max_steps' | 'num_train_epochs' | 'per_device_train_batch_size' | 'gradient_accumulation_steps'
>;

/** Warm-up in steps: a value below 1 is a share of all steps, rounded up. */
export function warmupSteps(totalSteps: number, warmup: number): number {
  return warmup >= 1 ? Math.trunc(warmup) : Math.ceil(totalSteps * warmup);
}

/**
 * The learning rate of the next optimizer step.
 * @param stepsDone optimizer steps already taken in this stage (0 for the first)
 * @param totalSteps all steps of the stage
 * Source: transformers 5 `get_scheduler` (linear, cosine with half a period, constant, constant_with_warmup).
 */
export function learningRateAt(stepsDone: number, totalSteps: number, options: ScheduleOptions): number {
  return options.learning_rate * factor(stepsDone, totalSteps, options);
}

function factor(done: number, total: number, options: ScheduleOptions): number {
  const type = options.lr_scheduler_type;
  if (type === 'constant') return 1;
  const warmup = warmupSteps(total, options.warmup_steps);
  if (done < warmup) return done / Math.max(1, warmup);
  switch (type) {
    case 'constant_with_warmup':
      return 1;
    case 'linear':
      return Math.max(0, (total - done) / Math.max(1, total - warmup));
    case 'cosine':
      return Math.max(0, 0.5 * (1 + Math.cos((Math.PI * (done - warmup)) / Math.max(1, total - warmup))));
    default:
      return type satisfies never;
  }
}

/** Optimizer steps of a stage from steps per epoch: `max_steps` if not negative (0: no stage), else the epochs. */
function stageSteps(stepsPerEpoch: number, options: LengthOptions): number {
  if (options.max_steps >= 0) return options.max_steps;
  return Math.ceil(options.num_train_epochs * stepsPerEpoch);
}

/** SFT optimizer steps in one pass over `rows`: the last batch and the last accumulation may be short. */
export function sftStepsPerEpoch(rows: number, options: LengthOptions): number {
  const batches = Math.ceil(rows / options.per_device_train_batch_size);
  return Math.ceil(batches / options.gradient_accumulation_steps);
}

/**
 * Optimizer steps of SFT over `rows` training rows.
 * @throws train.noRows when there is nothing to train on
 * Source: transformers 5 `Trainer.set_initial_training_values`.
 */
export function optimizerSteps(rows: number, options: LengthOptions): number {
  if (options.max_steps === 0) return 0;
  check(rows > 0, 'train.noRows', 'SFT has no training rows.', 'Check the data set for rows that were left out.');
  return stageSteps(sftStepsPerEpoch(rows, options), options);
}

/** Options that fix how rollouts and optimizer steps mesh. */
export type RolloutOptions = LengthOptions &
  Pick<GrpoOptions, 'num_generations' | 'num_iterations' | 'steps_per_generation' | 'generation_batch_size'>;

/** One rollout: how much is generated at once, and how many micro-batches it serves. */
export interface RolloutShape {
  /** Completions, all groups together (TRL's generation batch). */
  completions: number;
  prompts: number;
  /** Micro-batches that one pass over the rollout is cut into. */
  stepsPerGeneration: number;
  /** Micro-batches that the rollout serves: `stepsPerGeneration` x `num_iterations`. */
  microSteps: number;
}

/**
 * The shape of a rollout; the recipe's rules have checked that everything divides.
 * Source: TRL 1.16 `GRPOConfig.__post_init__`.
 */
export function rolloutShape(options: RolloutOptions): RolloutShape {
  const batch = options.per_device_train_batch_size;
  const stepsPerGeneration =
    options.steps_per_generation ??
    (options.generation_batch_size === null
      ? options.gradient_accumulation_steps
      : options.generation_batch_size / batch);
  const completions = batch * stepsPerGeneration;
  return {
    completions,
    prompts: completions / options.num_generations,
    stepsPerGeneration,
    microSteps: stepsPerGeneration * options.num_iterations,
  };
}

/**
 * Whether every optimizer step takes whole rollouts. One that takes a part may meet every group of the rollout and want
 * one completion of each: slices are shuffled.
 */
export function takesWholeRollouts(options: RolloutOptions): boolean {
  return options.gradient_accumulation_steps % rolloutShape(options).stepsPerGeneration === 0;
}

/** Micro-batches in one pass over `rows` prompts; prompts that fill no whole rollout are dropped in each pass. */
export function grpoMicroStepsPerPass(rows: number, options: RolloutOptions): number {
  const { prompts, microSteps } = rolloutShape(options);
  return Math.floor(rows / prompts) * microSteps;
}

/** Optimizer steps in one pass; its last accumulation may be short. */
export function grpoStepsPerPass(rows: number, options: RolloutOptions): number {
  return Math.ceil(grpoMicroStepsPerPass(rows, options) / options.gradient_accumulation_steps);
}

/**
 * Optimizer steps of GRPO over `rows` prompts.
 * @throws train.tooFewPrompts when the prompts do not fill one rollout
 * Source: TRL 1.16 `RepeatSampler` under the Trainer's counting.
 */
export function grpoOptimizerSteps(rows: number, options: RolloutOptions): number {
  if (options.max_steps === 0) return 0;
  const { prompts } = rolloutShape(options);
  check(
    rows >= prompts,
    'train.tooFewPrompts',
    `GRPO needs ${prompts} prompts a rollout (generation batch / num_generations), the data has ${rows}.`,
    'Lower grpo.per_device_train_batch_size, gradient_accumulation_steps or steps_per_generation, or add rows.',
  );
  return stageSteps(grpoStepsPerPass(rows, options), options);
}

type EvaluationOptions = Pick<OptimizerOptions, 'eval_steps' | 'load_best_model_at_end'>;

/**
 * Whether an evaluation follows optimizer step `step` (1-based) of a stage of `steps`. The last step's is left to the one
 * after the stage, unless it may decide which adapter that sees.
 */
export function isEvaluationDue(step: number, steps: number, options: EvaluationOptions): boolean {
  const due = options.eval_steps > 0 && step % options.eval_steps === 0;
  return due && (step < steps || options.load_best_model_at_end);
}

/** Evaluations of a stage of `steps` optimizer steps while it trains, where nothing stops it early. */
export function evaluationsDuring(steps: number, options: EvaluationOptions): number {
  if (steps === 0 || options.eval_steps === 0) return 0;
  const beforeLast = Math.floor((steps - 1) / options.eval_steps);
  return beforeLast + Number(isEvaluationDue(steps, steps, options));
}
