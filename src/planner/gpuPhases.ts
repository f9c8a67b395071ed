// GPU memory of a run by phase and part, at each phase's fullest moment.

import type { BaseStorage, Decisions } from '../budgets/decisions';
import type { ModelConfig } from '../model/config';
import type { Recipe } from '../recipe/config';
import { languageBytes, towerBytes } from './baseBytes';
import type { GenerationFigures, PassFigures, RunFigures } from './figures';
import { forwardBytes, trainingBytes, type PassBytes } from './passBytes';
import { patchBytes } from './towerPassBytes';
import { adapterNumbers, F32, widthsOf } from './widths';

export const PHASES = ['load', 'encode', 'evaluate', 'sft', 'rollout', 'grpo', 'checkpoint'] as const;
export type Phase = (typeof PHASES)[number];

/** Owners of GPU memory. */
export const PARTS = [
  ...(['weights', 'tower', 'adapter', 'activations', 'workspace', 'logits', 'kv', 'features', 'staging'] as const),
] as const;
export type Part = (typeof PARTS)[number];
export type PartBytes = Record<Part, number>;

export interface PhaseMemory {
  phase: Phase;
  parts: PartBytes;
  total: number;
}

export interface MemoryInput {
  config: ModelConfig;
  recipe: Recipe;
  decisions: Decisions;
  /** Type of embedding, head and patch embedding where the linears are in 4 bits. */
  tables: BaseStorage;
  figures: RunFigures;
}

/** Pieces that a checkpoint is read back in; two are under way. */
export const CHECKPOINT_PIECE = 16 * 2 ** 20;
/** What carries numbers between host and GPU: an upload buffer of 16 MiB, uniforms and small read-backs. */
const UPLOADS = 17 * 2 ** 20;

const NONE: PartBytes = {
  ...{ weights: 0, tower: 0, adapter: 0, activations: 0, workspace: 0 },
  ...{ logits: 0, kv: 0, features: 0, staging: UPLOADS },
};

/**
 * What stays through the whole run: the base, the tower if it stays, and the adapter's four flat buffers (weights, gradient,
 * two moments); in GRPO a fifth where the KL term's reference is a frozen copy.
 */
function fixedParts({ config, recipe, decisions, tables }: MemoryInput, stage: 'sft' | 'grpo' | null): PartBytes {
  const { storage, towerStays } = decisions;
  const types = { storage, tables };
  const { lora, grpo } = recipe;
  const copies = stage === 'grpo' && grpo.beta !== 0 && grpo.reference === 'start' ? 5 : 4;
  return {
    ...NONE,
    weights: languageBytes(config, types),
    tower: towerStays ? towerBytes(config, types) : 0,
    adapter: copies * F32 * adapterNumbers(widthsOf(config), lora),
  };
}

function phaseOf(phase: Phase, parts: PartBytes): PhaseMemory {
  return { phase, parts, total: PARTS.reduce((sum, part) => sum + parts[part], 0) };
}

/** A pass beside what stays. */
function withPass(fixed: PartBytes, pass: PassBytes): PartBytes {
  return { ...fixed, ...pass };
}

/** The pictures of one batch on their way through the tower: as many as their limit allows, but the largest at any rate. */
function encodeParts(input: MemoryInput, fixed: PartBytes, pictureTokens: number): PartBytes {
  const { config, decisions, figures, tables } = input;
  const patches = pictureTokens * config.vision.spatialMergeSize ** 2;
  const largest = patches === 0 ? 0 : figures.pictures.largestPatches;
  const together = Math.max(largest, Math.min(decisions.patchesTogether, patches));
  const workspace = together * patchBytes(config);
  return { ...fixed, tower: towerBytes(config, { storage: decisions.storage, tables }), workspace };
}

function promptPass({ promptTokens, longestPrompt, prompts, pictureTokens }: GenerationFigures): PassFigures {
  const pairs = 0;
  return {
    tokens: Math.max(promptTokens, longestPrompt),
    pairs,
    rows: 0,
    labels: 0,
    pictureTokens: prompts && pictureTokens,
  };
}

/**
 * Generation: keys and values of every prompt once and of every completion at full length (2 kv numbers per layer and row), as
 * many rows as the cache may have; logits of every prompt's last row and of every sequence that decodes; and the prompts' pass
 * in parts, or one token's work of all sequences, whichever is more. Per sequence the ids that it may not draw, a bit each.
 */
function generationParts(input: MemoryInput, fixed: PartBytes, generation: GenerationFigures): PartBytes {
  const { config, decisions, recipe } = input;
  const { layers, kv, vocabulary } = widthsOf(config);
  const { prompts, sequences, promptTokens, longestPrompt, maxNewTokens } = generation;
  const wanted = promptTokens + sequences * maxNewTokens;
  const perPrompt = prompts === 0 ? 1 : sequences / prompts;
  const least = longestPrompt + maxNewTokens;
  const rows = Math.min(wanted, Math.max(decisions.cacheRows, least));
  // Chunks are cut where the cache or the sequences end, whichever comes first.
  const share = wanted === 0 ? 0 : Math.min(1, rows / wanted, decisions.sequencesTogether / Math.max(1, sequences));
  const together = Math.max(1, sequences * share);
  const chunkRows = Math.max(Math.min(wanted, least), wanted * share);
  const pass = { ...promptPass(generation), tokens: chunkRows - together * maxNewTokens };
  const tokens = Math.max(longestPrompt, Math.min(decisions.prefillTokens, pass.tokens));
  const limits = { tokensTogether: tokens, headChunkBytes: 0 };
  const prefill = forwardBytes(config, recipe.lora, { ...pass, tokens: Math.max(tokens, pass.tokens) }, limits);
  const token: PassFigures = { tokens: together, pairs: 0, rows: 0, labels: 0, pictureTokens: 0 };
  const decode = forwardBytes(config, recipe.lora, token, { tokensTogether: Infinity, headChunkBytes: 0 });
  const work = (bytes: PassBytes): number => bytes.activations + bytes.workspace + bytes.features;
  const larger = work(prefill) > work(decode) ? prefill : decode;
  const logits = F32 * vocabulary * (together / perPrompt + together) + (together * vocabulary) / 8;
  return { ...withPass(fixed, larger), logits, kv: F32 * layers * 2 * kv * chunkRows };
}

function evaluateParts(input: MemoryInput): PartBytes[] {
  const { config, recipe, decisions, figures } = input;
  const { evaluation } = figures;
  if (!evaluation) return [];
  const fixed = fixedParts(input, null);
  const tokensTogether = Math.max(evaluation.longestRow, decisions.scoreTokens);
  const loss = forwardBytes(config, recipe.lora, evaluation.loss, { ...decisions, tokensTogether });
  const { generation } = evaluation;
  return [
    encodeParts(input, fixed, generation.pictureTokens),
    generationParts(input, fixed, generation),
    withPass(fixed, loss),
  ];
}

/** The fullest of several moments. */
function fullest(phase: Phase, moments: PartBytes[]): PhaseMemory[] {
  const [first, ...rest] = moments.map((parts) => phaseOf(phase, parts));
  return first ? [rest.reduce((a, b) => (b.total > a.total ? b : a), first)] : [];
}

function grpoParts(input: MemoryInput): { rollout: PartBytes[]; train: PartBytes[] } | null {
  const { config, recipe, decisions, figures } = input;
  const { grpo } = figures;
  if (!grpo) return null;
  const fixed = fixedParts(input, 'grpo');
  const training = trainingBytes(config, recipe.lora, grpo.largest, { ...decisions, ...decisions.grpo });
  const limits = { ...decisions, tokensTogether: decisions.scoreTokens };
  const scoring = forwardBytes(config, recipe.lora, grpo.scored.largest, limits);
  const train = [withPass(fixed, training), ...(grpo.scorePasses > 0 ? [withPass(fixed, scoring)] : [])];
  const encode = encodeParts(input, fixed, grpo.rollout.pictureTokens);
  return { rollout: [encode, generationParts(input, fixed, grpo.rollout)], train };
}

/** Memory of every phase that the run has, in order. */
export function gpuPhases(input: MemoryInput): PhaseMemory[] {
  const { config, recipe, decisions, figures } = input;
  const fixed = fixedParts(input, null);
  const { sft } = figures;
  const trained = sft && trainingBytes(config, recipe.lora, sft.largest, { ...decisions, ...decisions.sft });
  const grpo = grpoParts(input);
  const training = sft !== null || grpo !== null;
  // Pictures are computed when a batch first asks for them.
  const asked = [
    figures.evaluation?.generation.pictureTokens,
    sft?.largest.pictureTokens,
    figures.grpo?.rollout.pictureTokens,
  ];
  const calls = asked.filter((tokens): tokens is number => tokens !== undefined && tokens > 0);
  return [
    ...fullest('load', [{ ...fixed, staging: UPLOADS }]),
    ...fullest(
      'encode',
      calls.map((tokens) => encodeParts(input, fixed, tokens)),
    ),
    ...fullest('evaluate', evaluateParts(input)),
    ...(trained
      ? fullest('sft', [encodeParts(input, fixed, sft.largest.pictureTokens), withPass(fixed, trained)])
      : []),
    ...(grpo ? [...fullest('rollout', grpo.rollout), ...fullest('grpo', grpo.train)] : []),
    ...(training ? fullest('checkpoint', [{ ...fixed, staging: UPLOADS + 2 * CHECKPOINT_PIECE }]) : []),
  ];
}
