// Everything a run needs, loaded: device, model, tokenizer, dataset, rewards.

import { createGpu, type Gpu } from '../gpu/gpu';
import { requestDevice } from '../gpu/device';
import { createFeatureStore } from '../infer/features';
import type { GenerateContext } from '../infer/generate';
import type { LoraAdapter } from '../model/lora';
import type { BaseStorage } from '../model/baseStorage';
import { loadQwen25VL, type Qwen25VL } from '../model/qwen25vl';
import type { AnswerBatch, Reward } from '../rewards/reward';
import { createSemanticReward, rememberEmbeddings } from '../rewards/semantic';
import type { Recipe } from '../recipe/config';
import type { Reporter } from '../train/control';
import type { Trainee } from '../train/lossPass';
import type { EncoderClient } from './encoderClient';
import { causeOf } from './deviceLoss';
import { baseFingerprint, kernelFingerprint } from './fingerprint';
import { uploadAdapter } from './openAdapter';
import type { OpenModel } from './openModel';
import { prepareSession, type Prepared, type SessionRequest } from './prepare';
import { rewardFunctions } from './rewardFunctions';
import type { TrainingRows } from './rows';
import { olderNotes } from './olderNotes';
import type { FoundFiles } from './runCheckpoint';
import { patchesOf } from './storedImage';
import type { TextModel } from './textModel';

export interface Session extends FoundFiles {
  gpu: Gpu;
  model: Qwen25VL;
  modelName: string;
  datasetName: string;
  /** The request's, with the shape of the adapter in use. */
  recipe: Recipe;
  text: TextModel;
  adapter: LoraAdapter;
  trainee: Trainee;
  generation: GenerateContext;
  rows: TrainingRows;
  /** For evaluations, whatever the run is rewarded by. */
  semantic: Reward<AnswerBatch>;
  rewards: Reward[];
}

function storageOf({ dtype, load_in_4bit: quantized, bnb_4bit_use_double_quant: doubleQuant }: Recipe): BaseStorage {
  return { dtype, nf4: quantized ? { doubleQuant } : null };
}

async function loadWeights(gpu: Gpu, opened: OpenModel, recipe: Recipe, reporter: Reporter) {
  const { config, weights, configJson, weightFiles } = opened;
  const { quantizedOnCpu, ...model } = await loadQwen25VL(gpu, weights, config, {
    storage: storageOf(recipe),
    onProgress: (share) =>
      reporter.progress({ phase: 'load', done: Math.round(share * 100), total: 100, unit: 'percent of the weights' }),
  });
  if (quantizedOnCpu) {
    const message =
      'This GPU does not quantize to 4 bits as bitsandbytes does: the weights were quantized on the processor instead.';
    reporter.emit({ type: 'notice', level: 'info', code: 'gpu.quantize', message });
  }
  return { model, fingerprint: await baseFingerprint(configJson, weightFiles) };
}

/**
 * Loads model, data and rewards for a run: first everything that costs little, then the weights. The device is
 * destroyed again when that fails.
 * @param onPrepared called before weights are read; what it throws ends the run
 * @throws webgpu.*, gpu.*, reward.encoder and as prepareSession
 */
export async function openSession(
  request: SessionRequest,
  encoder: EncoderClient,
  reporter: Reporter,
  onPrepared: (prepared: Pick<Session, 'recipe' | 'rows'>) => void = () => {},
): Promise<Session> {
  const encoderReady = encoder.load();
  encoderReady.catch(() => undefined); // awaited below; must not count as unhandled while the model loads
  const prepared = await prepareSession(request, reporter);
  onPrepared({ recipe: prepared.adapter.recipe, rows: prepared.rows });
  const { device, info } = await requestDevice();
  const gpu = createGpu(device, { info });
  try {
    return await loadSession(gpu, prepared, { request, encoder, encoderReady, reporter });
  } catch (error) {
    const cause = await causeOf(gpu, error);
    device.destroy();
    throw cause;
  }
}

interface Loading {
  request: SessionRequest;
  encoder: EncoderClient;
  encoderReady: Promise<void>;
  reporter: Reporter;
}

async function loadSession(gpu: Gpu, prepared: Prepared, loading: Loading): Promise<Session> {
  const { rows, datasetName } = prepared;
  const { text, name } = prepared.model;
  const { recipe } = prepared.adapter;
  const { model, fingerprint: base } = await loadWeights(gpu, prepared.model, recipe, loading.reporter);
  const adapter = uploadAdapter(gpu, model.config, prepared.adapter, loading.request.seed);
  const { featuresOf } = createFeatureStore(gpu, model.vision, (image) => patchesOf(image, text.processor));
  await loading.encoderReady;
  const { spatialMergeSize } = model.config.vision;
  // Evaluations and rewards meet the same answers: one memory serves both.
  const embed = rememberEmbeddings(loading.encoder.embed);
  return {
    gpu,
    model,
    modelName: name,
    datasetName,
    recipe,
    fingerprints: {
      base,
      rows: prepared.rowsFingerprint,
      kernels: await kernelFingerprint(gpu.rec),
      processor: text.processor,
    },
    older: olderNotes(loading.request.model, prepared.model.configJson),
    text,
    adapter,
    trainee: { gpu, model, adapter, featuresOf },
    generation: { gpu, model: model.language, spatialMergeSize, featuresOf },
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
