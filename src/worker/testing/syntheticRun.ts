// A run of the real host code over rows of given sizes, from loading to its last evaluation, on any device: what it
// takes of the GPU's memory, phase by phase. For tests only.

import type { Budget } from '../../budgets/budgets';
import type { Example, ImageRef, Prompt } from '../../data/encode';
import { mropePositions } from '../../data/mrope';
import type { EvalRow } from '../../eval/evaluate';
import type { WeightFiles } from '../../formats/weightFiles';
import type { Gpu } from '../../gpu/gpu';
import type { GpuMemory } from '../../gpu/memory';
import type { ImagePatches } from '../../image/patches';
import { createFeatureStore } from '../../infer/features';
import type { ModelConfig } from '../../model/config';
import { createAdapter, loadValues } from '../../model/lora';
import { loadQwen25VL, loadTower } from '../../model/qwen25vl';
import type { Recipe } from '../../recipe/config';
import type { GrpoRow } from '../../train/rolloutTypes';
import { sftLoop } from '../../train/sftLoop';
import { newStage } from '../../train/stageState';
import { decideBudget, storageOptions } from '../decide';
import { evaluateNow } from '../evaluation';
import { towerOf } from '../loadBase';
import { rowPictures } from '../rowPictures';
import { packContextOf, type Run } from '../run';
import type { TrainingRows } from '../rows';
import { newProgress } from '../runProgress';
import { grpoStage } from '../stages';

/** Rows that are alike but for their pictures' names. */
export interface SyntheticRows {
  count: number;
  /** Text tokens of a prompt, besides the picture's. */
  promptText: number;
  target: number;
  /** Patches: rows and columns, multiples of the merge size. */
  picture: readonly [rows: number, columns: number];
}

export interface SyntheticRunOptions {
  /** The figure that the user gave. */
  gpuBytes: number;
  config: ModelConfig;
  weights: WeightFiles;
  recipe: Recipe;
  rows: SyntheticRows;
  validationRows: number;
}

export interface SyntheticRun {
  phases: PhaseMemory[];
  budget: Budget;
}

/** Bytes by owner after a phase, and their peak in it. */
export interface PhaseMemory {
  phase: string;
  memory: GpuMemory;
}

const VIEW = { loading: 'library', preResize: false } as const;

function syntheticPrompt(config: ModelConfig, { promptText, picture }: SyntheticRows, row: number): Prompt {
  const grid = [1, ...picture] as const;
  const slots = (picture[0] * picture[1]) / config.vision.spatialMergeSize ** 2;
  const ids = Int32Array.from({ length: slots + promptText }, (_, t) =>
    t > 0 && t <= slots ? config.imageTokenId : 1 + ((row + t) % 50),
  );
  const tokens = { imageTokenId: config.imageTokenId, spatialMergeSize: config.vision.spatialMergeSize };
  const { positions, next } = mropePositions(ids, [grid], tokens);
  return { ids, positions, nextPosition: next, images: [{ hash: `picture ${row}`, view: VIEW, grid }] };
}

function syntheticExample(config: ModelConfig, rows: SyntheticRows, row: number): Example {
  const prompt = syntheticPrompt(config, rows, row);
  const promptLength = prompt.ids.length;
  const ids = Int32Array.from([...prompt.ids, ...new Array<number>(rows.target).fill(2)]);
  const tokens = { imageTokenId: config.imageTokenId, spatialMergeSize: config.vision.spatialMergeSize };
  const { positions, next } = mropePositions(ids, [prompt.images[0]!.grid], tokens);
  const labelMask = Uint8Array.from(ids, (_, t) => Number(t >= promptLength));
  return { ids, positions, nextPosition: next, images: prompt.images, promptLength, labelMask };
}

const WORDS = { question: 'what?', thought: 'think', answer: 'yes' };

function grpoRow(config: ModelConfig, rows: SyntheticRows, row: number): GrpoRow {
  return { prompt: syntheticPrompt(config, rows, row), image: `picture ${row}`, imageName: 'a.png', ...WORDS };
}

function evalRow(config: ModelConfig, rows: SyntheticRows, row: number): EvalRow {
  const example = syntheticExample(config, rows, row);
  return { example, prompt: syntheticPrompt(config, rows, row), image: `picture ${row}`, ...WORDS };
}

/** Grey pictures of the asked size. */
function patchesOf({ vision }: ModelConfig): (image: ImageRef) => Promise<ImagePatches> {
  const width = vision.inChannels * vision.temporalPatchSize * vision.patchSize ** 2;
  return async ({ grid }) => ({
    patches: new Float32Array(grid[1] * grid[2] * width),
    grid: [1, grid[1], grid[2]],
  });
}

/** The rows of such a run. */
export function syntheticRows({
  config,
  rows,
  validationRows,
}: Pick<SyntheticRunOptions, 'config' | 'rows' | 'validationRows'>): TrainingRows {
  const list = <T>(count: number, make: (row: number) => T): T[] =>
    Array.from({ length: count }, (_, row) => make(row));
  return {
    sft: list(rows.count, (row) => syntheticExample(config, rows, row)),
    grpo: list(rows.count, (row) => grpoRow(config, rows, row)),
    validation: list(validationRows, (row) => evalRow(config, rows, rows.count + row)),
    leftOut: [],
    nearest: null,
    misfits: [],
  };
}

interface OpenRun {
  run: Run;
  budget: Budget;
  /** All pictures through a tower that then leaves the GPU; null where it stays. */
  encode: (() => Promise<void>) | null;
}

async function openSyntheticRun(gpu: Gpu, options: SyntheticRunOptions): Promise<OpenRun> {
  const { config, weights, recipe, gpuBytes } = options;
  const rows = syntheticRows(options);
  const budget = decideBudget({ config, weights, recipe, rows, info: gpu.info, gpuBytes });
  const { decisions } = budget;
  const storage = storageOptions(decisions, recipe);
  const model = await loadQwen25VL(gpu, weights, config, { storage, verifyQuantization: false });
  const adapter = createAdapter(gpu, config, recipe.lora);
  loadValues(gpu, adapter, []);
  const tower = towerOf(gpu, model, decisions, () =>
    loadTower(gpu, weights, config, { storage, quantizeOnCpu: false }),
  );
  const { featuresOf, prepare } = createFeatureStore({
    gpu,
    tower,
    patchesOf: patchesOf(config),
    decisions,
    hostBytes: decisions.features.host,
  });
  const { spatialMergeSize } = config.vision;
  const nothing = {
    name: 'nothing',
    score: async ({ completions }: { completions: string[] }) => completions.map(() => 0),
  };
  const session = {
    ...{ gpu, model, adapter, recipe, rows, decisions },
    text: { tokenizer: { decode: (ids: readonly number[]) => ids.join(' ') } },
    trainee: { gpu, model, adapter, featuresOf, decisions },
    generation: { gpu, model: model.language, spatialMergeSize, featuresOf, decisions },
    semantic: nothing,
    rewards: [nothing],
  } as unknown as Run['session'];
  const run: Run = {
    runId: 'synthetic',
    setup: { seed: 0, datasetId: 'synthetic', modelName: 'synthetic', recipe, decisions },
    session,
    reporter: {
      emit() {},
      progress() {},
      enter() {},
      now: () => 0,
      timed: (_: string, part: () => Promise<unknown>) => part(),
    } as unknown as Run['reporter'],
    control: { boundary: async () => undefined, gate: () => undefined, stateOf: () => 'running' },
    keeper: {
      commit: async () => undefined,
      tryCommit: async () => undefined,
      isSaving: () => false,
      owes: () => false,
    },
    eta: { finished() {}, estimate: () => null },
    progress: newProgress(0),
  };
  const encode = async (): Promise<void> => {
    await prepare(rowPictures(rows, recipe));
    tower.close();
  };
  return { run, budget, encode: decisions.towerStays ? null : encode };
}

/** A recipe for a few steps of each stage, with completions of this many tokens. */
export function shortened(recipe: Recipe, newTokens: number): Recipe {
  const few = { eval_steps: 0, load_best_model_at_end: false };
  return {
    ...recipe,
    sft: { ...recipe.sft, ...few, max_steps: 3 },
    grpo: { ...recipe.grpo, ...few, max_steps: 2, max_completion_length: newTokens, reward_weights: null },
  };
}

/** Reads what a checkpoint holds. */
async function readAdapter({ gpu, adapter }: Run['session']): Promise<void> {
  await gpu.rec.read(adapter.weight, adapter.moment1, adapter.moment2);
}

async function sft(run: Run): Promise<void> {
  const { session, control, reporter, progress } = run;
  const common = { trainee: session.trainee, pack: packContextOf(session), seed: 0, control, reporter };
  const saves = { save: async () => undefined, owes: () => false };
  const { recipe } = session;
  const own = { examples: session.rows.sft, options: recipe.sft, loraDropout: recipe.lora.lora_dropout };
  await sftLoop({ ...common, ...own, saves, evaluate: async () => null }, progress.state, () => {});
}

/**
 * Load, pictures where the tower leaves, evaluation, SFT, GRPO, what a checkpoint reads, evaluation.
 * @returns what every phase left and its peak
 */
export async function syntheticRun(gpu: Gpu, options: SyntheticRunOptions): Promise<SyntheticRun> {
  const phases: PhaseMemory[] = [];
  const phase = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    gpu.markMemory();
    const result = await work();
    await gpu.rec.submit();
    phases.push({ phase: name, memory: gpu.memory() });
    gpu.trim();
    await gpu.rec.submit();
    return result;
  };
  const { run, budget, encode } = await phase('load', () => openSyntheticRun(gpu, options));
  if (encode) await phase('encode', encode);
  await phase('evaluate before', () => evaluateNow(run, 0));
  await phase('sft', () => sft(run));
  run.progress.stage = 'grpo';
  run.progress.state = newStage();
  await phase('grpo', () => grpoStage(run));
  await phase('checkpoint', () => readAdapter(run.session));
  await phase('evaluate after', () => evaluateNow(run, 0));
  return { phases, budget };
}
