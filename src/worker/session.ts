// Everything a run needs, loaded: device, model, tokenizer, dataset, rewards.

import { check, LorikeetError } from '../base/errors';
import { openWeights } from '../formats/weightFiles';
import { createGpu, type Gpu } from '../gpu/gpu';
import { requestDevice } from '../gpu/device';
import { createFeatureStore } from '../infer/features';
import type { GenerateContext } from '../infer/generate';
import { parseModelConfig } from '../model/config';
import { importPeftAdapter } from '../formats/peft';
import { checkAgainstBase } from '../model/importedAdapter';
import { createAdapter, initialValues, loadValues, type LoraAdapter } from '../model/lora';
import { loadQwen25VL, type Qwen25VL } from '../model/qwen25vl';
import type { AdapterSource, ModelSource } from '../protocol/messages';
import type { AnswerBatch, Reward } from '../rewards/reward';
import { createSemanticReward, rememberEmbeddings } from '../rewards/semantic';
import { loadDataset } from '../storage/datasets';
import type { Recipe } from '../train/config';
import type { Reporter } from '../train/control';
import type { Trainee } from '../train/lossPass';
import type { EncoderClient } from './encoderClient';
import { causeOf } from './deviceLoss';
import { baseFingerprint, kernelFingerprint, rowsFingerprint } from './fingerprint';
import { readModelFiles } from './modelFiles';
import { rewardFunctions } from './rewardFunctions';
import { encodeRows, type TrainingRows } from './rows';
import type { RunFingerprints } from './runCheckpoint';
import { patchesOf } from './storedImage';
import { encodeContext, loadTextModel, type TextModel } from './textModel';

/** What to load. */
export interface SessionRequest {
  recipe: Recipe;
  seed: number;
  datasetId: string;
  model: ModelSource;
  /** Start from this adapter; its shape replaces the recipe's. */
  adapter?: AdapterSource;
}

export interface Session {
  gpu: Gpu;
  model: Qwen25VL;
  modelName: string;
  datasetName: string;
  /** The request's, with the shape of the adapter in use. */
  recipe: Recipe;
  fingerprints: RunFingerprints;
  text: TextModel;
  adapter: LoraAdapter;
  trainee: Trainee;
  generation: GenerateContext;
  rows: TrainingRows;
  /** For evaluations, whatever the run is rewarded by. */
  semantic: Reward<AnswerBatch>;
  rewards: Reward[];
}

async function loadModel(gpu: Gpu, request: SessionRequest, reporter: Reporter) {
  const source = await readModelFiles(request.model);
  const config = parseModelConfig(source.config, source.generation);
  const weights = await openWeights(source.files);
  const model = await loadQwen25VL(gpu, weights, config, {
    onProgress: (share) =>
      reporter.progress({ phase: 'load', done: Math.round(share * 100), total: 100, unit: 'percent of the weights' }),
  });
  const text = await loadTextModel(request.model);
  if (!text) {
    throw new LorikeetError(
      'model.missing',
      'The model folder lacks tokenizer.json, tokenizer_config.json or preprocessor_config.json.',
      'Pick the folder of a complete checkpoint.',
    );
  }
  const files = Object.entries(source.files)
    .filter(([name]) => name.endsWith('.safetensors'))
    .map(([name, blob]) => ({ name, blob }));
  return { model, text, name: source.name, fingerprint: await baseFingerprint(source.config, files) };
}

async function loadRows(request: SessionRequest, model: Qwen25VL, text: TextModel, reporter: Reporter) {
  const dataset = await loadDataset(request.datasetId);
  const context = encodeContext(text, model.config);
  const rows = await encodeRows(dataset.rows, request.recipe, context, text.processor, (done, total) =>
    reporter.progress({ phase: 'encode', done, total, unit: 'rows' }),
  );
  check(
    rows.sft.length > 0 || rows.grpo.length > 0,
    'data.empty',
    `None of the ${dataset.rows.length} rows of "${dataset.info.name}" can be trained on. ${rows.leftOut[0] ?? ''}`,
    'Raise max_prompt_length, or use shorter texts or smaller pictures.',
  );
  return { rows, name: dataset.info.name, fingerprint: await rowsFingerprint(dataset.rows) };
}

/** The adapter to train: PEFT's start, or an imported one. Returns the recipe with the adapter's shape. */
async function openAdapter(gpu: Gpu, model: Qwen25VL, { recipe, seed, adapter: source }: SessionRequest) {
  if (!source) {
    const adapter = createAdapter(gpu, model.config, recipe.lora);
    loadValues(gpu, adapter, initialValues(adapter, seed, recipe.lora.init_lora_weights));
    return { adapter, recipe };
  }
  const imported = importPeftAdapter({
    'adapter_config.json': new TextEncoder().encode(source.config),
    'adapter_model.safetensors': new Uint8Array(await source.weights.arrayBuffer()),
  });
  const { shape, values } = checkAgainstBase(imported, model.config);
  const adapter = createAdapter(gpu, model.config, shape);
  loadValues(gpu, adapter, values);
  return { adapter, recipe: { ...recipe, lora: { ...recipe.lora, ...shape } } };
}

/**
 * Loads model, data and rewards for a run. The device is destroyed again when that fails.
 * @throws webgpu.*, gpu.*, model.*, config.*, weights.*, tokenizer.*, storage.*, peft.*, reward.encoder, data.empty
 */
export async function openSession(
  request: SessionRequest,
  encoder: EncoderClient,
  reporter: Reporter,
): Promise<Session> {
  const encoderReady = encoder.load();
  encoderReady.catch(() => undefined); // awaited below; must not count as unhandled while the model loads
  const { device, info } = await requestDevice();
  const gpu = createGpu(device, { info });
  try {
    const { model, text, name, fingerprint: base } = await loadModel(gpu, request, reporter);
    const { rows, name: datasetName, fingerprint } = await loadRows(request, model, text, reporter);
    const { adapter, recipe } = await openAdapter(gpu, model, request);
    const { featuresOf } = createFeatureStore(gpu, model.vision, (image) => patchesOf(image, text.processor));
    await encoderReady;
    const { spatialMergeSize } = model.config.vision;
    // Evaluations and rewards meet the same answers: one memory serves both.
    const embed = rememberEmbeddings(encoder.embed);
    return {
      gpu,
      model,
      modelName: name,
      datasetName,
      recipe,
      fingerprints: { base, rows: fingerprint, kernels: await kernelFingerprint(gpu.rec) },
      text,
      adapter,
      trainee: { gpu, model, adapter, featuresOf },
      generation: { gpu, model: model.language, spatialMergeSize, featuresOf },
      rows,
      semantic: createSemanticReward(embed),
      rewards: rewardFunctions(recipe.grpo.reward_funcs, { embed }),
    };
  } catch (error) {
    const cause = await causeOf(gpu, error);
    device.destroy();
    throw cause;
  }
}

/** Frees the device and the reward workers. */
export function closeSession(session: Session): void {
  for (const reward of session.rewards) reward.dispose?.();
  session.gpu.device.destroy();
}
