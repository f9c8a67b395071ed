// Everything a run needs, loaded: device, model, tokenizer, dataset, rewards.

import { check, LorikeetError } from '../base/errors';
import { openWeights } from '../formats/weightFiles';
import { createGpu, type Gpu } from '../gpu/gpu';
import { requestDevice } from '../gpu/device';
import { decodeImage } from '../image/decode';
import { imageToPatches } from '../image/patches';
import { preResize } from '../image/preResize';
import { recipeRgb } from '../image/rgbImage';
import { createFeatureStore } from '../infer/features';
import type { GenerateContext } from '../infer/generate';
import { parseModelConfig } from '../model/config';
import { createAdapter, initialValues, loadValues, type LoraAdapter } from '../model/lora';
import { loadQwen25VL, type Qwen25VL } from '../model/qwen25vl';
import type { StartRequest } from '../protocol/messages';
import { formatRewardFunction } from '../rewards/format';
import type { Reward } from '../rewards/reward';
import { createSemanticReward } from '../rewards/semantic';
import { loadDataset, loadImage } from '../storage/datasets';
import type { Reporter } from '../train/control';
import type { Trainee } from '../train/lossPass';
import type { EncoderClient } from './encoderClient';
import { causeOf } from './deviceLoss';
import { readModelFiles } from './modelFiles';
import { encodeRows, PRE_RESIZED, type TrainingRows } from './rows';
import { loadTextModel, type TextModel } from './textModel';

export interface Session {
  gpu: Gpu;
  model: Qwen25VL;
  modelName: string;
  text: TextModel;
  adapter: LoraAdapter;
  trainee: Trainee;
  generation: GenerateContext;
  rows: TrainingRows;
  semantic: Reward;
  format: Reward;
}

/** Decodes a stored picture and cuts it into patches, in the view that its key names. */
function patchLoader(text: TextModel) {
  return async ({ hash }: { hash: string }) => {
    const preResized = hash.endsWith(PRE_RESIZED);
    const bytes = await loadImage(preResized ? hash.slice(0, -PRE_RESIZED.length) : hash);
    const rgb = recipeRgb(await decodeImage(bytes));
    return imageToPatches(preResized ? preResize(rgb) : rgb, text.processor);
  };
}

async function loadModel(gpu: Gpu, request: StartRequest, reporter: Reporter) {
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
  return { model, text, name: source.name };
}

async function loadRows(request: StartRequest, model: Qwen25VL, text: TextModel, reporter: Reporter) {
  const { config } = model;
  const dataset = await loadDataset(request.datasetId);
  const context = {
    tokenizer: text.tokenizer,
    chatTemplate: text.chatTemplate,
    model: {
      imageTokenId: config.imageTokenId,
      spatialMergeSize: config.vision.spatialMergeSize,
      maxPositions: config.maxPositions,
    },
  };
  const rows = await encodeRows(dataset.rows, request.recipe, context, text.processor, (done, total) =>
    reporter.progress({ phase: 'encode', done, total, unit: 'rows' }),
  );
  check(
    rows.sft.length > 0 || rows.grpo.length > 0,
    'data.empty',
    `None of the ${dataset.rows.length} rows of "${dataset.info.name}" can be trained on. ${rows.leftOut[0] ?? ''}`,
    'Raise max_prompt_length, or use shorter texts or smaller pictures.',
  );
  return rows;
}

/**
 * Loads model, data and rewards for a run. The device is destroyed again when that fails.
 * @throws webgpu.*, gpu.*, model.*, config.*, weights.*, tokenizer.*, storage.*, reward.encoder, data.empty
 */
export async function openSession(request: StartRequest, encoder: EncoderClient, reporter: Reporter): Promise<Session> {
  const encoderReady = encoder.load();
  encoderReady.catch(() => undefined); // awaited below; must not count as unhandled while the model loads
  const { device, info } = await requestDevice();
  const gpu = createGpu(device, { info });
  try {
    const { model, text, name } = await loadModel(gpu, request, reporter);
    const rows = await loadRows(request, model, text, reporter);
    const adapter = createAdapter(gpu, model.config, request.recipe.lora);
    loadValues(gpu, adapter, initialValues(adapter, request.seed));
    const { featuresOf } = createFeatureStore(gpu, model.vision, patchLoader(text));
    await encoderReady;
    const { spatialMergeSize } = model.config.vision;
    return {
      gpu,
      model,
      modelName: name,
      text,
      adapter,
      trainee: { gpu, model, adapter, featuresOf },
      generation: { gpu, model: model.language, spatialMergeSize, featuresOf },
      rows,
      semantic: createSemanticReward(encoder.embed),
      format: formatRewardFunction,
    };
  } catch (error) {
    const cause = await causeOf(gpu, error);
    device.destroy();
    throw cause;
  }
}
