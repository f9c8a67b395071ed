// Which rows a step trains on. Pure functions of (seed, step): a resumed run needs no stored order.
// Rows and prompts come in the very order of transformers' Trainer and TRL's RepeatSampler with the same seed.

import { permutation, STREAM, streamKey } from '../base/random';
import { repeatSamplerOrder, trainerEpochOrder } from '../base/torchRandom';
import type { GrpoOptions, OptimizerOptions } from '../recipe/config';
import {
  grpoMicroStepsPerPass,
  grpoStepsPerPass,
  rolloutShape,
  sftStepsPerEpoch,
  type RolloutOptions,
} from './schedule';

// Counter below STREAM.dataOrder. TRL draws this one from its global generator, which nothing else here shares.
const MICRO_BATCH_ORDER = 2;

type BatchOptions = Pick<OptimizerOptions, 'per_device_train_batch_size' | 'gradient_accumulation_steps'>;

/** Cuts `order` into parts of `size`; the last may be short. */
function chunksOf(order: Uint32Array, size: number): Uint32Array[] {
  return Array.from({ length: Math.ceil(order.length / size) }, (_, i) => order.slice(i * size, (i + 1) * size));
}

/**
 * The micro-batches of one pass over the training rows: a new permutation per epoch, the short last batch kept.
 * @param rows number of training rows @param batchSize rows of a micro-batch
 * @returns row indices of each micro-batch
 * Source: transformers' Trainer (RandomSampler, drop_last false) under accelerate's SeedableRandomSampler.
 */
export function sftEpochBatches(rows: number, batchSize: number, seed: number, epoch: number): Uint32Array[] {
  return chunksOf(trainerEpochOrder(rows, seed, epoch), batchSize);
}

/** The micro-batches of one SFT step, and how far into the epochs they lead. */
export interface SftStep {
  batches: Uint32Array[];
  /** Epochs done after the step, as transformers logs it. */
  epoch: number;
}

/**
 * The micro-batches of one SFT optimizer step. The last step of an epoch may have fewer: accumulation never crosses
 * an epoch's end, and its divisor is the number of micro-batches returned.
 * @param step optimizer steps done before this one
 */
export function sftStepBatches(rows: number, options: BatchOptions, seed: number, step: number): SftStep {
  const accumulation = options.gradient_accumulation_steps;
  const stepsPerEpoch = sftStepsPerEpoch(rows, { ...options, max_steps: -1, num_train_epochs: 1 });
  const epoch = Math.floor(step / stepsPerEpoch);
  const start = (step % stepsPerEpoch) * accumulation;
  const all = sftEpochBatches(rows, options.per_device_train_batch_size, seed, epoch);
  const batches = all.slice(start, start + accumulation);
  return { batches, epoch: epoch + (start + batches.length) / all.length };
}

/** One micro-batch of GRPO: a slice of a rollout. */
export interface GrpoMicroStep {
  /** Which rollout of the stage, from 0. */
  rollout: number;
  /** Which slice of it: 0 .. stepsPerGeneration - 1. */
  slice: number;
}

export interface GrpoStep {
  microSteps: GrpoMicroStep[];
  epoch: number;
}

/**
 * The micro-batches of one GRPO optimizer step. A rollout serves `stepsPerGeneration` slices, `num_iterations` times
 * over; a pass ends with a short accumulation where it does not divide.
 * @param rows number of prompts; at least one rollout's @param step optimizer steps done before this one
 * Source: TRL 1.16 `_prepare_inputs` and the Trainer's inner loop.
 */
export function grpoStepPlan(rows: number, options: RolloutOptions, step: number): GrpoStep {
  const { stepsPerGeneration, microSteps } = rolloutShape(options);
  const perPass = grpoMicroStepsPerPass(rows, options);
  const stepsPerPass = grpoStepsPerPass(rows, options);
  const pass = Math.floor(step / stepsPerPass);
  const start = (step % stepsPerPass) * options.gradient_accumulation_steps;
  const end = Math.min(perPass, start + options.gradient_accumulation_steps);
  const plan = Array.from({ length: end - start }, (_, i): GrpoMicroStep => {
    const index = pass * perPass + start + i;
    return { rollout: Math.floor(index / microSteps), slice: index % stepsPerGeneration };
  });
  return { microSteps: plan, epoch: pass + end / perPass };
}

/**
 * The prompts of one rollout: the rows are shuffled once per pass, cut into chunks, and what fills no whole chunk is
 * dropped in that pass.
 * @returns row indices, one per group
 * Source: TRL 1.16 RepeatSampler.
 */
export function rolloutPrompts(
  rows: number,
  options: RolloutOptions & Pick<GrpoOptions, 'shuffle_dataset'>,
  seed: number,
  rollout: number,
): Uint32Array {
  const size = rolloutShape(options).prompts;
  const chunks = Math.floor(rows / size);
  const pass = Math.floor(rollout / chunks);
  const order = options.shuffle_dataset
    ? repeatSamplerOrder(rows, seed, pass)
    : Uint32Array.from({ length: rows }, (_, row) => row);
  const start = (rollout % chunks) * size;
  return order.slice(start, start + size);
}

/**
 * Splits the scored completions of a rollout into its slices after a shuffle, so that a group may be torn apart:
 * normalisers and metrics go by these, whatever is packed together.
 * @returns completion indices of each slice
 * Source: TRL 1.16 `_prepare_inputs` (shuffle_sequence_dict, then split).
 */
export function rolloutSlices(options: RolloutOptions, seed: number, rollout: number): Uint32Array[] {
  const key = streamKey(seed, STREAM.dataOrder, MICRO_BATCH_ORDER, rollout);
  const { completions } = rolloutShape(options);
  return chunksOf(permutation(completions, key), options.per_device_train_batch_size);
}
