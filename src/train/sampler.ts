// Which rows a step trains on. Pure functions of (seed, step): a resumed run needs no stored order.
// The orders are not PyTorch's permutations (another generator), but are made by the same rules.

import { permutation, STREAM, streamKey } from '../base/random';
import type { GrpoOptions, OptimizerOptions } from './config';
import { promptsPerStep, sftStepsPerEpoch } from './schedule';

// Counters below STREAM.dataOrder: the two stages and the micro-batch split never share a permutation.
const SFT_ORDER = 0;
const GRPO_ORDER = 1;
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
 * Source: transformers' Trainer (RandomSampler, drop_last false).
 */
export function sftEpochBatches(rows: number, batchSize: number, seed: number, epoch: number): Uint32Array[] {
  return chunksOf(permutation(rows, streamKey(seed, STREAM.dataOrder, SFT_ORDER, epoch)), batchSize);
}

/**
 * The micro-batches of one SFT optimizer step. The last step of an epoch may have fewer: accumulation never crosses
 * an epoch's end, and its divisor is the number of micro-batches returned.
 * @param step optimizer steps done before this one
 */
export function sftStepBatches(rows: number, options: BatchOptions, seed: number, step: number): Uint32Array[] {
  const accumulation = options.gradient_accumulation_steps;
  const stepsPerEpoch = sftStepsPerEpoch(rows, { ...options, max_steps: -1, num_train_epochs: 1 });
  const epoch = Math.floor(step / stepsPerEpoch);
  const start = (step % stepsPerEpoch) * accumulation;
  const batches = sftEpochBatches(rows, options.per_device_train_batch_size, seed, epoch);
  return batches.slice(start, start + accumulation);
}

/**
 * The prompts of one GRPO step: the rows are shuffled once per pass, cut into chunks of one generation batch, and
 * what fills no whole chunk is dropped in that pass.
 * @param rows number of prompts; at least one step's @param step optimizer steps done before this one
 * @returns row indices, one per group
 * Source: TRL 1.16 RepeatSampler with num_iterations 1.
 */
export function grpoStepPrompts(
  rows: number,
  options: BatchOptions & Pick<GrpoOptions, 'num_generations'>,
  seed: number,
  step: number,
): Uint32Array {
  const size = promptsPerStep({ ...options, max_steps: -1, num_train_epochs: 1 });
  const chunks = Math.floor(rows / size);
  const pass = Math.floor(step / chunks);
  const order = permutation(rows, streamKey(seed, STREAM.dataOrder, GRPO_ORDER, pass));
  const start = (step % chunks) * size;
  return order.slice(start, start + size);
}

/**
 * Splits the scored completions of a generation batch into micro-batches after a shuffle, so that a group may be
 * torn apart: normalisers and metrics go by these, whatever is packed together.
 * @param completions rows of the generation batch
 * @returns row indices of each micro-batch
 * Source: TRL 1.16 `_prepare_inputs` (shuffle_sequence_dict, then split).
 */
export function grpoMicroBatches(
  completions: number,
  options: BatchOptions,
  seed: number,
  step: number,
): Uint32Array[] {
  const key = streamKey(seed, STREAM.dataOrder, MICRO_BATCH_ORDER, step);
  return chunksOf(permutation(completions, key), options.per_device_train_batch_size);
}
