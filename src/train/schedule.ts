// Learning-rate schedules and the number of optimizer steps, as transformers' Trainer has them.
// Pure functions of counters; no state.

import { check } from '../base/errors';
import type { GrpoOptions, OptimizerOptions } from './config';

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

/** Prompts of one GRPO step: the generation batch (batch x accumulation, in completions) over the group size. */
export function promptsPerStep(options: LengthOptions & Pick<GrpoOptions, 'num_generations'>): number {
  return (options.per_device_train_batch_size * options.gradient_accumulation_steps) / options.num_generations;
}

/**
 * Optimizer steps of GRPO over `rows` prompts; prompts that fill no whole step are dropped in each pass.
 * @throws train.tooFewPrompts when the prompts do not fill one step
 * Source: TRL 1.16 `RepeatSampler` under the Trainer's counting.
 */
export function grpoOptimizerSteps(
  rows: number,
  options: LengthOptions & Pick<GrpoOptions, 'num_generations'>,
): number {
  if (options.max_steps === 0) return 0;
  const perStep = promptsPerStep(options);
  check(
    rows >= perStep,
    'train.tooFewPrompts',
    `GRPO needs ${perStep} prompts a step (batch x accumulation / num_generations), the data has ${rows}.`,
    'Lower grpo.per_device_train_batch_size or gradient_accumulation_steps, or add rows.',
  );
  return stageSteps(Math.floor(rows / perStep), options);
}
