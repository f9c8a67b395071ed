// GPU memory of a run by phase and part, at each phase's fullest moment.

import type { BaseStorage, Decisions } from '../budgets/decisions';
import type { ModelConfig } from '../model/config';
import type { Recipe } from '../recipe/config';
import { languageBuffers, languageBytes, towerBuffers, towerBytes, type Sized } from './baseBytes';
import type { RunFigures } from './figures';
import { generationWorks } from './generationBytes';
import { NO_BYTES, PARTS, type HeldBytes, type PartBytes } from './parts';
import { scoringWork, streamOf, trainingWork } from './passBytes';
import { poolBytes, roundingBytes, uploadBytes, type Work } from './pool';
import { encodeWorks } from './towerPassBytes';
import { adapterNumbers, F32, widthsOf } from './widths';

export const PHASES = ['load', 'encode', 'evaluate', 'sft', 'rollout', 'grpo', 'checkpoint'] as const;
export type Phase = (typeof PHASES)[number];

export interface PhaseMemory {
  phase: Phase;
  parts: PartBytes;
  /** Sum of the parts: what the engine holds. */
  total: number;
  /** What Chrome's allocator takes beyond it. Budgets keep it free with browser and desktop. */
  rounding: number;
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
/** A piece of a tensor on its way to 4 bits. */
const WEIGHT_PIECE = 8 * 2 ** 20;

/**
 * What stays through the whole run: the base, the tower if it stays, and the adapter's four flat buffers (weights, gradient,
 * two moments); in GRPO a fifth where the KL term's reference is a frozen copy.
 */
function fixedBytes({ config, recipe, decisions, tables }: MemoryInput, stage: 'sft' | 'grpo' | null): HeldBytes {
  const { storage, towerStays } = decisions;
  const types = { storage, tables };
  const { lora, grpo } = recipe;
  const copies = stage === 'grpo' && grpo.beta !== 0 && grpo.reference === 'start' ? 5 : 4;
  const copy = { bytes: F32 * adapterNumbers(widthsOf(config), lora), count: copies };
  const parts = {
    ...NO_BYTES,
    weights: languageBytes(config, types),
    tower: towerStays ? towerBytes(config, types) : 0,
    adapter: copy.bytes * copies,
  };
  const staying = towerStays ? towerBuffers(config, types) : [];
  return { parts, rounding: roundingOf([...languageBuffers(config, types), ...staying, copy]) };
}

function roundingOf(buffers: readonly Sized[]): number {
  return buffers.reduce((sum, { bytes, count }) => sum + roundingBytes(bytes) * count, 0);
}

/** Work of a phase, and whether the tower is there for it even if it does not stay. */
interface PhaseWork {
  work: Work;
  tower: boolean;
}

function phaseOf(phase: Phase, { parts, rounding }: HeldBytes): PhaseMemory {
  return { phase, parts, total: PARTS.reduce((sum, part) => sum + parts[part], 0), rounding };
}

interface Held {
  input: MemoryInput;
  fixed: HeldBytes;
}

/** With the tower, where it is there only for a while. */
function besideTower({ config, decisions, tables }: MemoryInput, { parts, rounding }: HeldBytes): HeldBytes {
  if (decisions.towerStays) return { parts, rounding };
  const types = { storage: decisions.storage, tables };
  return {
    parts: { ...parts, tower: towerBytes(config, types) },
    rounding: rounding + roundingOf(towerBuffers(config, types)),
  };
}

/**
 * A phase whose works come one after the other: the fullest of them.
 * @param before works that have left the pool as the phase finds it
 */
function fullest(phase: Phase, { input, fixed }: Held, works: PhaseWork[], before: PhaseWork[] = []): PhaseMemory[] {
  const own = poolBytes([...before, ...works].map(({ work }) => work)).slice(before.length);
  const moments = own.map((pool, i) => {
    const { parts, rounding } = works[i]!.tower ? besideTower(input, fixed) : fixed;
    const { weights, adapter, tower } = parts;
    return phaseOf(phase, { parts: { ...pool.parts, weights, adapter, tower }, rounding: pool.rounding + rounding });
  });
  return moments.length === 0 ? [] : [moments.reduce((a, b) => (b.total > a.total ? b : a))];
}

/** Where the tower leaves, all pictures go through it first, as long as their features can be kept. */
function encodesFirst({ config, decisions, figures }: MemoryInput): boolean {
  const { host, disk } = decisions.features;
  const bytes = (F32 * widthsOf(config).c * figures.pictures.patches) / config.vision.spatialMergeSize ** 2;
  return !decisions.towerStays && bytes <= host + disk;
}

const withTower = (work: Work): PhaseWork => ({ work, tower: true });
const plain = (work: Work): PhaseWork => ({ work, tower: false });

/** Pictures that a pass of these tokens asks for, beside its stream. */
function encoding(input: MemoryInput, pass: { tokens: number; pictureTokens: number }): PhaseWork[] {
  if (encodesFirst(input)) return [];
  const { config, decisions, figures } = input;
  const patches = pass.pictureTokens * config.vision.spatialMergeSize ** 2;
  const asked = { patches, together: decisions.patchesTogether };
  return encodeWorks(config, figures.pictures, asked, streamOf(config, pass).held).map(withTower);
}

function generating(input: MemoryInput, generation: Parameters<typeof generationWorks>[1]): PhaseWork[] {
  const { config, recipe, decisions, figures } = input;
  const own = { config, lora: recipe.lora, decisions, pictures: figures.pictures };
  const works = generationWorks({ ...own, encodes: !encodesFirst(input) }, generation);
  // The last two are the prompts' pass and the tokens'.
  return works.map((work, i) => (i < works.length - 2 ? withTower(work) : plain(work)));
}

function evaluateWorks(input: MemoryInput): PhaseWork[] {
  const { config, recipe, decisions, figures } = input;
  const { evaluation } = figures;
  if (!evaluation) return [];
  const { loss, longestRow, generation } = evaluation;
  const limits = { ...decisions, tokensTogether: Math.max(longestRow, decisions.scoreTokens) };
  return [...generating(input, generation), plain(scoringWork(config, recipe.lora, loss, limits, longestRow))];
}

function sftWorks(input: MemoryInput): PhaseWork[] {
  const { config, recipe, decisions, figures } = input;
  if (!figures.sft) return [];
  const { largest } = figures.sft;
  const limits = { ...decisions, ...decisions.sft };
  const work = trainingWork(config, recipe.lora, largest, limits, recipe.lora.lora_dropout > 0);
  const pictures = encoding(input, largest);
  // The next micro-batch's pictures meet what this one has left in the pool.
  const next = figures.sft.steps * figures.sft.microBatches > 1 ? pictures : [];
  return [...pictures, plain(work), ...next];
}

/** What a step's rollout does, and what its training does after it, in the pool that it has left. */
function grpoWorks(input: MemoryInput): { rollout: PhaseWork[]; train: PhaseWork[] } {
  const { config, recipe, decisions, figures } = input;
  const { grpo } = figures;
  if (!grpo) return { rollout: [], train: [] };
  const { lora } = recipe;
  const limits = { ...decisions, tokensTogether: decisions.scoreTokens };
  const scored = grpo.scorePasses > 0 ? [scoringWork(config, lora, grpo.scored.largest, limits)] : [];
  // With several packs each is scored before all coefficients are known. Dropout does not act.
  const first = grpo.packs > 1 ? [scoringWork(config, lora, grpo.largest, { ...decisions, ...decisions.grpo })] : [];
  const training = trainingWork(config, lora, grpo.largest, { ...decisions, ...decisions.grpo }, false);
  return { rollout: generating(input, grpo.rollout), train: [...scored, ...first, training].map(plain) };
}

function loading(input: MemoryInput, fixed: HeldBytes): PhaseMemory {
  const { config, recipe, decisions } = input;
  const adapter = F32 * adapterNumbers(widthsOf(config), recipe.lora);
  // What is larger than a piece is written past the upload buffer.
  const up = uploadBytes(adapter > CHECKPOINT_PIECE ? 0 : adapter);
  const staging = up + (decisions.storage === 'nf4' ? WEIGHT_PIECE : 0);
  const { parts, rounding } = besideTower(input, fixed);
  return phaseOf('load', { parts: { ...parts, staging }, rounding });
}

/** All pictures, or those that a phase first asks for. */
function allPictures(input: MemoryInput): PhaseWork[] {
  const { config, decisions, figures } = input;
  const { evaluation, sft, grpo, pictures } = figures;
  const asked = [evaluation?.generation.pictureTokens, sft?.largest.pictureTokens, grpo?.rollout.pictureTokens];
  const merge = config.vision.spatialMergeSize ** 2;
  const patches = encodesFirst(input) ? pictures.patches : merge * Math.max(0, ...asked.map((tokens) => tokens ?? 0));
  return encodeWorks(config, pictures, { patches, together: decisions.patchesTogether }, []).map(withTower);
}

/** Memory of every phase that the run has, in order. */
export function gpuPhases(input: MemoryInput): PhaseMemory[] {
  const { sft, grpo } = input.figures;
  const fixed = fixedBytes(input, null);
  const own = { input, fixed };
  const inGrpo = { input, fixed: fixedBytes(input, 'grpo') };
  const { rollout, train } = grpoWorks(input);
  // The next step's rollout meets what this step has left in the pool.
  const before = grpo !== null && grpo.steps > 1 ? [...rollout, ...train] : [];
  // An evaluation while GRPO trains finds the reference, and what a step has left in the pool.
  const [evaluating, left] = input.figures.evaluation?.inGrpo ? [inGrpo, [...rollout, ...train]] : [own, []];
  // A pause saves in GRPO as well, beside the reference.
  const fullestFixed = grpo === null ? fixed : inGrpo.fixed;
  const staging = uploadBytes(0) + 2 * CHECKPOINT_PIECE;
  const { parts, rounding } = fullestFixed;
  const saving = phaseOf('checkpoint', { parts: { ...parts, staging }, rounding });
  return [
    loading(input, fixed),
    ...fullest('encode', own, allPictures(input)),
    ...fullest('evaluate', evaluating, evaluateWorks(input), left),
    ...fullest('sft', own, sftWorks(input)),
    ...fullest('rollout', inGrpo, rollout, before),
    ...fullest('grpo', inGrpo, train, rollout),
    ...(sft !== null || grpo !== null ? [saving] : []),
  ];
}
