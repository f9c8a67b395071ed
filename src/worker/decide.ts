// What a run decides from the memory it has, before weights are read; a run that is resumed keeps what it decided.

import type { ModelConfig } from '../model/config';
import type { Recipe } from '../recipe/config';
import { makeBudget, type Budget, type Workload } from '../budgets/budgets';
import { plainDecisions, type BaseStorage, type Decisions } from '../budgets/decisions';
import type { ImageRef } from '../data/encode';
import type { WeightFiles } from '../formats/weightFiles';
import type { DeviceInfo } from '../gpu/device';
import { storageOf, type StorageOptions } from '../model/baseStorage';
import { withHubNames } from '../model/weightNames';
import { rolloutShape, takesWholeRollouts } from '../train/schedule';
import { rowPictures } from './rowPictures';
import type { TrainingRows } from './rows';

function sumOfLargest(values: readonly number[], count: number): number {
  return [...values]
    .sort((a, b) => b - a)
    .slice(0, count)
    .reduce((sum, value) => sum + value, 0);
}

function longest(values: readonly number[]): number {
  return values.reduce((a, b) => Math.max(a, b), 0);
}

function patchesOf({ grid }: ImageRef): number {
  return grid[0] * grid[1] * grid[2];
}

/** Tokens of the largest micro-batch of SFT. */
function sftTokens({ sft }: TrainingRows, { sft: options }: Recipe): number {
  if (options.max_steps === 0) return 0;
  const rows = options.per_device_train_batch_size;
  if (options.packing && options.max_length !== null) return rows * options.max_length;
  return sumOfLargest(
    sft.map(({ ids }) => ids.length),
    rows,
  );
}

/** Tokens of the largest pack of GRPO: a training batch of completions, or one group if that is larger. */
function grpoTokens({ grpo: options }: Recipe, prompts: readonly number[]): number {
  if (options.max_steps === 0) return 0;
  const { per_device_train_batch_size: batch, num_generations: group } = options;
  const completions = Math.max(batch, group);
  // A step that takes a part of a rollout may meet groups of which it wants one completion each.
  const most = Math.min(completions, rolloutShape(options).prompts);
  const groups = takesWholeRollouts(options) ? Math.ceil(completions / group) : most;
  return sumOfLargest(prompts, groups) + completions * options.max_completion_length;
}

/** The largest things that a run with these rows meets. */
export function workloadOf(rows: TrainingRows, recipe: Recipe): Workload {
  const { grpo, eval: evaluation } = recipe;
  const trained = rows.grpo.map(({ prompt }) => prompt.ids.length);
  const validated = rows.validation.map(({ prompt }) => prompt.ids.length);
  const longestPrompt = longest([...trained, ...validated]);
  const shape = rolloutShape(grpo);
  const rollout = grpo.max_steps === 0 ? { completions: 0, prompts: 0 } : shape;
  const answers = rows.validation.length * (1 + evaluation.samples_per_row);
  const tokens = grpo.max_completion_length;
  const patches = rowPictures(rows, recipe).map(patchesOf);
  return {
    sftTokens: sftTokens(rows, recipe),
    grpoTokens: grpoTokens(recipe, trained),
    longestPrompt,
    longestCompletion: longestPrompt + tokens,
    rolloutRows: Math.max(
      sumOfLargest(trained, rollout.prompts) + rollout.completions * tokens,
      sumOfLargest(validated, validated.length) + answers * tokens,
    ),
    rolloutSequences: Math.max(rollout.completions, answers),
    largestPicture: longest(patches),
    allPatches: patches.reduce((sum, own) => sum + own, 0),
  };
}

/** What the base is stored as where nothing is quantized, and its tables in any case, by the largest of them. */
export function plainStorage(weights: WeightFiles, { dtype }: Pick<Recipe, 'dtype'>): BaseStorage {
  return storageOf({ dtype, nf4: null }, [withHubNames(weights).dtype('model.embed_tokens.weight')], false);
}

/**
 * Storage types to choose from, the preferred one first. A software adapter computes in f32 faster than it widens; 4 bits
 * are the last choice where the recipe leaves it open.
 */
function storagesOf(
  weights: WeightFiles,
  recipe: Recipe,
  { adapterClass }: Pick<DeviceInfo, 'adapterClass'>,
): BaseStorage[] {
  const { dtype, load_in_4bit: quantized } = recipe;
  if (quantized === true) return ['nf4'];
  const wide: BaseStorage[] = dtype === 'auto' && adapterClass === 'software' ? ['f32'] : [];
  const four: BaseStorage[] = quantized === null ? ['nf4'] : [];
  return [...new Set([...wide, plainStorage(weights, recipe), ...four])];
}

/** How matrices are kept: what was decided, and what the recipe says of what that leaves open. */
export function storageOptions(
  { storage }: Pick<Decisions, 'storage'>,
  { dtype, bnb_4bit_use_double_quant: doubleQuant }: Recipe,
): StorageOptions {
  return { dtype: storage === 'f32' ? 'float32' : dtype, nf4: storage === 'nf4' ? { doubleQuant } : null };
}

export interface DecideInput {
  config: ModelConfig;
  weights: WeightFiles;
  rows: TrainingRows;
  recipe: Recipe;
  info: Pick<DeviceInfo, 'adapterClass'> & {
    limits: Pick<GPUSupportedLimits, 'maxBufferSize' | 'maxStorageBufferBindingSize'>;
  };
  /** The GPU memory that the user says there is. */
  gpuBytes: number;
}

/** The budget of a new run. */
export function decideBudget({ config, weights, rows, recipe, info, gpuBytes }: DecideInput): Budget {
  return makeBudget({
    config,
    recipe,
    limits: info.limits,
    gpuBytes,
    workload: workloadOf(rows, recipe),
    storages: storagesOf(weights, recipe, info),
    tables: plainStorage(weights, recipe),
  });
}

/** What a run did that noted no decisions. */
export function decisionsOfOlderRun({ weights, info, recipe, config }: Omit<DecideInput, 'rows' | 'gpuBytes'>) {
  const [storage = 'f32'] = storagesOf(weights, recipe, info);
  const kept = (stage: 'sft' | 'grpo') => (recipe[stage].gradient_checkpointing === false ? config.layers : 0);
  return plainDecisions(storage, { sft: kept('sft'), grpo: kept('grpo') });
}
