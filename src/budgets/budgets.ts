// Divides a GPU's memory, in bytes: from model, recipe, limits and the figure that the user gave, to what goes through
// together and how the base is stored. Knows no device and reads no weights; the same input gives the same answer.

import type { ModelConfig } from '../model/config';
import { check } from '../base/errors';
import type { Recipe } from '../recipe/config';
import * as act from './activationBytes';
import { MOST, type BaseStorage, type Decisions, type FeatureBytes, type StageDecisions } from './decisions';
import { adapterBytes, adapterElements, baseBytes } from './modelBytes';

type Stage = 'sft' | 'grpo';

/** The largest things that a run will meet, in tokens and patches. */
export interface Workload {
  /** Tokens of SFT's largest micro-batch. */
  sftTokens: number;
  /** Tokens of GRPO's largest training pack: prompts once, completions at full length. */
  grpoTokens: number;
  /** Tokens of the longest prompt, and of the longest prompt with one completion at full length. */
  longestPrompt: number;
  longestCompletion: number;
  /** Cache rows and sequences of one rollout, or of one evaluation if that is larger. */
  rolloutRows: number;
  rolloutSequences: number;
  /** Patches of the largest picture, and of all. */
  largestPicture: number;
  allPatches: number;
}

/** What the budget is made from. */
export interface BudgetInput {
  config: ModelConfig;
  recipe: Recipe;
  /** Of the device: the largest buffer, and the largest that a kernel can bind. */
  limits: { maxBufferSize: number; maxStorageBufferBindingSize: number };
  /** The GPU memory that the user says there is, in bytes. */
  gpuBytes: number;
  workload: Workload;
  /** Storage types to choose from, the preferred one first. */
  storages: readonly BaseStorage[];
  /** Type of embedding, head and patch embedding where the linears are in 4 bits. */
  tables: BaseStorage;
}

export interface Budget {
  decisions: Decisions;
  /** Bytes that may be used: the figure less what browser and desktop hold. */
  usable: number;
  /** Peak bytes by stage. */
  peaks: { encode: number; sft: number; generate: number; grpo: number };
  fits: boolean;
}

/** Uniforms, uploads and read-backs. */
const STAGING_BYTES = 96 * 2 ** 20;
/** Features in the trainer's memory, and in the browser's storage. */
const HOST_FEATURE_BYTES = 512 * 2 ** 20;
const DISK_FEATURE_BYTES = 16 * 2 ** 30;
/** Kept free for browser, desktop and what allocators round up. */
const FREE_SHARE = 0.1;

/** What stays on the GPU through a run. */
function fixedBytes({ config, recipe, tables }: BudgetInput, storage: BaseStorage) {
  const { language, tower } = baseBytes(config, storage, tables);
  const { grpo, lora } = recipe;
  const keepsReference = grpo.max_steps !== 0 && grpo.beta !== 0 && grpo.reference === 'start';
  const reference = keepsReference ? 4 * adapterElements(config, lora) : 0;
  return { weights: language, tower, adapter: adapterBytes(config, lora) + reference };
}

/** Bytes of a training token: without kept layers, and of one layer that is kept. */
function trainingBytes({ config, recipe }: BudgetInput) {
  const forward = act.layerForwardBytes(config, recipe.lora);
  return {
    inputs: act.trainingTokenBytes(config),
    work: forward + act.layerBackwardBytes(config, recipe.lora),
    // Its input counts with the inputs; its output is the next one's.
    kept: forward,
  };
}

function clamp(value: number, least: number, most: number): number {
  return Math.max(least, Math.min(most, Math.floor(value)));
}

/** Rows of a tensor that one binding holds. */
function bindable({ limits }: BudgetInput, rowBytes: number): number {
  return Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize) / rowBytes;
}

/** Layers that keep their activations beside everything else that `room` has to hold. */
function keptLayers(input: BudgetInput, stage: Stage, room: number, tokens: number): number {
  const wanted = input.recipe[stage].gradient_checkpointing;
  if (wanted !== 'auto') return wanted ? 0 : input.config.layers;
  const { kept } = trainingBytes(input);
  return tokens === 0 ? 0 : clamp(room / (tokens * kept), 0, input.config.layers);
}

/** Tokens of a stage's largest micro-batch, and bytes of each with the layers that the recipe has kept in any case. */
function stageLoad(input: BudgetInput, stage: Stage): { tokens: number; tokenBytes: number } {
  const per = trainingBytes(input);
  const always = input.recipe[stage].gradient_checkpointing === false ? input.config.layers * per.kept : 0;
  return {
    tokens: input.workload[stage === 'sft' ? 'sftTokens' : 'grpoTokens'],
    tokenBytes: per.inputs + per.work + always,
  };
}

/** How much goes through a training stage together. */
function stageDecisions(input: BudgetInput, stage: Stage, room: number): StageDecisions {
  const per = trainingBytes(input);
  const { tokens: whole, tokenBytes } = stageLoad(input, stage);
  const fit = Math.min(room / tokenBytes, bindable(input, act.widestRowBytes(input.config)));
  // What fits whole is not bounded: a figure would only make equal runs look different.
  const tokensTogether = fit >= whole ? MOST.tokensTogether : Math.max(1, Math.floor(fit));
  const tokens = Math.min(whole, tokensTogether);
  return { tokensTogether, keptLayers: keptLayers(input, stage, room - tokens * (per.inputs + per.work), tokens) };
}

/** How the base lies: the first storage, with the tower if possible, beside which the training micro-batches fit whole. */
function chooseStorage(
  input: BudgetInput,
  usable: number,
): { storage: BaseStorage; towerStays: boolean; room: number } {
  const { workload, config } = input;
  const stages = (['sft', 'grpo'] as const).map((stage) => stageLoad(input, stage));
  const training = Math.max(...stages.map(({ tokens, tokenBytes }) => tokens * tokenBytes)) + MOST.headChunkBytes;
  const encoding = workload.largestPicture * act.patchBytes(config);
  const ways = input.storages.flatMap((storage) => [true, false].map((towerStays) => ({ storage, towerStays })));
  const roomOf = ({ storage, towerStays }: { storage: BaseStorage; towerStays: boolean }) => {
    const { weights, tower, adapter } = fixedBytes(input, storage);
    return { rest: usable - STAGING_BYTES - weights - adapter, tower, held: towerStays ? tower : 0 };
  };
  const fits = ways.find((way) => {
    const { rest, tower, held } = roomOf(way);
    return rest - held >= training && rest - tower >= encoding;
  });
  const way = fits ?? ways.at(-1);
  check(way, 'budget.storage', 'There is no storage type to choose from.');
  const { rest, held } = roomOf(way);
  return { ...way, room: Math.max(0, rest - held) };
}

/** Few and small pictures are computed again sooner than they are read. */
function featureBytes({ config, workload }: BudgetInput): FeatureBytes {
  const all = (workload.allPatches / config.vision.spatialMergeSize ** 2) * config.hiddenSize * 4;
  return { host: HOST_FEATURE_BYTES, disk: all > HOST_FEATURE_BYTES / 8 ? DISK_FEATURE_BYTES : 0 };
}

/** Shares of the room while sequences decode: the cache, and what goes through the layers beside it. */
const CACHE_SHARE = 0.6;

function decisionsOf(input: BudgetInput, usable: number): Decisions {
  const { config, recipe, workload } = input;
  const { storage, towerStays, room } = chooseStorage(input, usable);
  const { weights, tower, adapter } = fixedBytes(input, storage);
  const encoding = usable - STAGING_BYTES - weights - adapter - tower;
  const forward = act.forwardTokenBytes(config, recipe.lora);
  const rows = bindable(input, act.widestRowBytes(config));
  const logitsRow = 4 * config.vocabSize;
  const headChunkBytes = clamp(Math.min(room / 8, bindable(input, 1)), logitsRow, MOST.headChunkBytes);
  const beside = room * (1 - CACHE_SHARE);
  const cache = Math.min(
    (room * CACHE_SHARE) / act.cacheRowBytes(config),
    bindable(input, act.cacheRowBytes(config) / config.layers),
  );
  const cacheRows = clamp(cache, workload.longestCompletion, MOST.cacheRows);
  const sequences = Math.min(beside / act.sequenceBytes(config, recipe.lora), bindable(input, logitsRow));
  const training = room - headChunkBytes;
  return {
    storage,
    towerStays,
    prefillTokens: clamp(Math.min(beside / forward, rows), 1, MOST.prefillTokens),
    cacheRows,
    sequencesTogether: clamp(sequences, 1, cacheRows),
    scoreTokens: clamp(Math.min(training / forward, rows), 1, MOST.scoreTokens),
    headChunkBytes,
    patchesTogether: clamp(encoding / act.patchBytes(config), 1, MOST.patchesTogether),
    features: featureBytes(input),
    sft: stageDecisions(input, 'sft', training),
    grpo: stageDecisions(input, 'grpo', training),
  };
}

/** Peak bytes of a training stage by part. */
function stageBytes(input: BudgetInput, stage: Stage, { keptLayers: kept, tokensTogether }: StageDecisions) {
  const { config } = input;
  const per = trainingBytes(input);
  const tokens = Math.min(stageLoad(input, stage).tokens, tokensTogether);
  // Where every layer keeps its own, none is computed again.
  const again = kept === config.layers ? per.work - per.kept : per.work;
  return { activations: tokens * (per.inputs + kept * per.kept), workspace: tokens * again };
}

/** Peak bytes by stage under decisions. */
function peaksOf(input: BudgetInput, decisions: Decisions): Budget['peaks'] {
  const { config, recipe, workload } = input;
  const { weights, tower, adapter } = fixedBytes(input, decisions.storage);
  const [sft, grpo] = [stageBytes(input, 'sft', decisions.sft), stageBytes(input, 'grpo', decisions.grpo)];
  const kv = Math.min(workload.rolloutRows, decisions.cacheRows) * act.cacheRowBytes(config);
  const sequences = Math.min(workload.rolloutSequences, decisions.sequencesTogether);
  const forward = act.forwardTokenBytes(config, recipe.lora);
  const prompts = Math.min(workload.rolloutRows, Math.max(decisions.prefillTokens, workload.longestPrompt));
  const decoding = Math.max(prompts * forward, sequences * act.sequenceBytes(config, recipe.lora));
  const patches = Math.max(workload.largestPicture, Math.min(decisions.patchesTogether, workload.allPatches));
  const encoding = patches * act.patchBytes(config);
  const fixed = weights + adapter + STAGING_BYTES + (decisions.towerStays ? tower : 0);
  const logits = decisions.headChunkBytes;
  return {
    encode: weights + adapter + STAGING_BYTES + tower + encoding,
    sft: fixed + sft.activations + sft.workspace + (workload.sftTokens > 0 ? logits : 0),
    generate: fixed + kv + decoding,
    grpo: fixed + grpo.activations + grpo.workspace + (workload.grpoTokens > 0 ? logits : 0),
  };
}

/**
 * Divides the memory.
 * @returns what was decided, bytes by stage, and whether the largest piece of work fits at all
 * @throws budget.storage without a storage type to choose from
 */
export function makeBudget(input: BudgetInput): Budget {
  const usable = input.gpuBytes * (1 - FREE_SHARE);
  const decisions = decisionsOf(input, usable);
  const peaks = peaksOf(input, decisions);
  return { decisions, usable, peaks, fits: Math.max(...Object.values(peaks)) <= usable };
}
