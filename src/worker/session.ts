// Everything a run needs, loaded: device, model, tokenizer, dataset, rewards.

import { createGpu, type Gpu } from '../gpu/gpu';
import type { Budget } from '../budgets/budgets';
import type { Decisions } from '../budgets/decisions';
import { gpuMemoryBytes } from '../budgets/gpuMemory';
import { requestDevice, type DeviceInfo } from '../gpu/device';
import type { GenerateContext } from '../infer/generate';
import type { Relief } from '../infer/relief';
import type { LoraAdapter } from '../model/lora';
import type { Qwen25VL } from '../model/qwen25vl';
import { measureMatmul } from '../ops/measureMatmul';
import type { AnswerBatch, Reward } from '../rewards/reward';
import { createSemanticReward, rememberEmbeddings } from '../rewards/semantic';
import type { NoticeEvent } from '../protocol/messages';
import type { Recipe } from '../recipe/config';
import type { Reporter } from '../train/control';
import type { Trainee } from '../train/lossPass';
import type { EncoderClient } from './encoderClient';
import { decideBudget, decisionsOfOlderRun } from './decide';
import { causeOf } from './deviceLoss';
import { kernelFingerprint } from './fingerprint';
import { uploadAdapter } from './openAdapter';
import { openPictureFeatures, type PictureFeatures } from './pictureFeatures';
import { prepareSession, type Prepared, type SessionRequest } from './prepare';
import { rewardFunctions } from './rewardFunctions';
import type { TrainingRows } from './rows';
import { loadBase } from './loadBase';
import { olderNotes } from './olderNotes';
import type { FoundFiles } from './runCheckpoint';
import type { TextModel } from './textModel';

export interface Session extends FoundFiles {
  gpu: Gpu;
  /** The device's rate, as measureMatmul has it. */
  matmulGflops: number;
  model: Qwen25VL;
  modelName: string;
  datasetName: string;
  /** The request's, with the shape of the adapter in use. */
  recipe: Recipe;
  text: TextModel;
  adapter: LoraAdapter;
  /** The run's own record: whoever changes it changes what follows. */
  decisions: Decisions;
  /** To be called before pictures are first needed. */
  encodePictures: PictureFeatures['encode'];
  trainee: Trainee;
  generation: GenerateContext;
  rows: TrainingRows;
  /** For evaluations, whatever the run is rewarded by. */
  semantic: Reward<AnswerBatch>;
  rewards: Reward[];
}

/** What the opening of a session may be told on the way. */
export interface SessionHooks {
  /** Called before weights are read; what it throws ends the run. */
  onPrepared?(prepared: Pick<Session, 'recipe' | 'rows'>): void;
  /**
   * Called once it is decided how the run uses memory; the session is opened with the rows and decisions that it answers
   * with. Left out: with all rows.
   */
  choose?(rows: TrainingRows, decisions: Decisions): { rows: TrainingRows; decisions: Decisions };
}

/**
 * Loads model, data and rewards for a run: first everything that costs little, then the weights. The device is
 * destroyed again when that fails.
 * @param noted what a checkpoint noted of the run's decisions; null: the run begins, and decides now
 * @throws webgpu.*, gpu.*, reward.encoder and as prepareSession
 */
export async function openSession(
  request: SessionRequest,
  encoder: EncoderClient,
  reporter: Reporter,
  noted: { decisions?: Decisions } | null,
  { onPrepared, choose }: SessionHooks = {},
): Promise<Session> {
  const prepared = await prepareSession(request, reporter);
  onPrepared?.({ recipe: prepared.adapter.recipe, rows: prepared.rows });
  const { device, info } = await requestDevice();
  const gpu = createGpu(device, { info });
  try {
    const decided = decide(prepared, info, request, noted, reporter);
    const { rows, decisions } = choose?.(prepared.rows, decided) ?? { rows: prepared.rows, decisions: decided };
    return await loadSession(gpu, { ...prepared, rows }, { request, encoder, reporter, decisions });
  } catch (error) {
    const cause = await causeOf(gpu, error);
    device.destroy();
    throw cause;
  }
}

/** A new run's decisions from the memory there is; a resumed run's own. */
function decide(
  { model, rows, adapter: { recipe } }: Prepared,
  info: DeviceInfo,
  { gpuMemoryGb }: SessionRequest,
  noted: { decisions?: Decisions } | null,
  reporter: Reporter,
): Decisions {
  const input = { config: model.config, weights: model.weights, recipe, info };
  if (noted) return noted.decisions ?? decisionsOfOlderRun(input);
  const budget = decideBudget({ ...input, rows, gpuBytes: gpuMemoryBytes(gpuMemoryGb) });
  if (!budget.fits) reporter.emit(beyondMemory(budget, gpuMemoryGb));
  return budget.decisions;
}

function beyondMemory({ peaks }: Budget, gigabytes: number): NoticeEvent {
  const needed = (Math.max(...Object.values(peaks)) / 2 ** 30).toFixed(1);
  const message =
    `This run needs about ${needed} GB of GPU memory at its largest, beside what browser and desktop hold; ` +
    `${gigabytes} GB were chosen. It is tried all the same: where the GPU runs out of memory, steps are computed in ` +
    'smaller parts. Shorter rows, smaller pictures or a smaller adapter need less.';
  return { type: 'notice', level: 'warning', code: 'memory.beyond', message };
}

function smallerParts(change: string): NoticeEvent {
  const message =
    `The GPU ran out of memory. What was under way is computed again in smaller parts, and so is the rest of the run: ` +
    `${change}. Losses and batches count as before.`;
  return { type: 'notice', level: 'warning', code: 'memory.smallerParts', message };
}

/** Weights up to here are read while the reward encoder loads; beside larger ones its wait is lost in theirs. */
const ENCODER_BESIDE_BYTES = 256 * 2 ** 20;

function weightBytes({ model }: Prepared): number {
  return model.weightFiles.reduce((sum, { blob }) => sum + blob.size, 0);
}

interface Loading {
  request: SessionRequest;
  encoder: EncoderClient;
  reporter: Reporter;
  decisions: Decisions;
}

async function loadSession(gpu: Gpu, prepared: Prepared, loading: Loading): Promise<Session> {
  const { rows, datasetName } = prepared;
  const { text, name } = prepared.model;
  const { recipe } = prepared.adapter;
  // Before any work: submissions are cut by it.
  const matmulGflops = await measureMatmul(gpu);
  gpu.rec.setRate(matmulGflops * 1e9);
  // Before the weights: what the GPU cannot bind must not take minutes to be told.
  const adapter = uploadAdapter(gpu, prepared.model.config, prepared.adapter, loading.request.seed);
  const startEncoder = (): Promise<void> => {
    const ready = loading.encoder.load();
    ready.catch(() => undefined); // awaited below; must not count as unhandled meanwhile
    return ready;
  };
  // Beside large weights it would put what it takes of the page's memory on top of what reading them takes.
  const early = weightBytes(prepared) <= ENCODER_BESIDE_BYTES ? startEncoder() : null;
  const { model, tower, fingerprint: base } = await loadBase(gpu, prepared.model, recipe, loading);
  const encoderReady = early ?? startEncoder();
  const { decisions, reporter } = loading;
  const relief: Relief = { gpu, decisions, onSmaller: (change) => reporter.emit(smallerParts(change)) };
  const kernels = await kernelFingerprint(gpu.rec);
  const { processor } = text;
  const fingerprints = { base, kernels };
  const pictures = await openPictureFeatures({ relief, tower, recipe, rows, processor, fingerprints, reporter });
  const { featuresOf } = pictures;
  await encoderReady;
  const { spatialMergeSize } = model.config.vision;
  // Evaluations and rewards meet the same answers: one memory serves both.
  const embed = rememberEmbeddings(loading.encoder.embed);
  return {
    gpu,
    matmulGflops,
    model,
    modelName: name,
    datasetName,
    recipe,
    fingerprints: {
      base,
      rows: prepared.rowsFingerprint,
      kernels,
      processor,
    },
    older: olderNotes(loading.request.model, prepared.model.configJson),
    text,
    adapter,
    decisions,
    encodePictures: pictures.encode,
    trainee: { ...relief, model, adapter, featuresOf },
    generation: { ...relief, model: model.language, spatialMergeSize, featuresOf },
    rows,
    semantic: createSemanticReward(embed),
    rewards: rewardFunctions(recipe.grpo.reward_funcs, { embed }),
  };
}

/** Frees the device and the reward workers. */
export function closeSession(session: Session): void {
  for (const reward of session.rewards) reward.dispose?.();
  session.gpu.device.destroy();
}
