// The demo model and its rows, loaded as a run of the program loads them, without a stored dataset.

import { check } from '../../base/errors';
import { plainDecisions, type Decisions } from '../../budgets/decisions';
import type { EncodeContext, ImageRef } from '../../data/encode';
import { openWeights } from '../../formats/weightFiles';
import { requestDevice } from '../../gpu/device';
import { createGpu, type Gpu } from '../../gpu/gpu';
import { imageToPatches } from '../../image/patches';
import { imageGrid } from '../../image/smartResize';
import { pictureSize, viewRgb, viewSize, type ImageView } from '../../image/view';
import { createFeatureStore, residentTower, type FeatureStore } from '../../infer/features';
import { parseModelConfig } from '../../model/config';
import { loadQwen25VL, type Qwen25VL } from '../../model/qwen25vl';
import { readModelFiles } from '../../worker/modelFiles';
import { encodeContext, loadTextModel, type TextModel } from '../../worker/textModel';

export interface DemoRow {
  /** File name of the picture, which is its key too. */
  image: string;
  question: string;
  thought: string;
  answer: string;
}

export interface DemoModel {
  gpu: Gpu;
  model: Qwen25VL;
  text: TextModel;
  encode: EncodeContext;
  featuresOf: FeatureStore['featuresOf'];
  decisions: Decisions;
  /** The training file's rows, in its order. */
  rows: DemoRow[];
  imageOf(row: DemoRow): Promise<ImageRef>;
}

/** The demo's pictures have neither EXIF nor transparency: all loadings give the same. */
const VIEW: ImageView = { loading: 'library', preResize: false };

async function bytesOf(url: string): Promise<Uint8Array> {
  const response = await fetch(url);
  check(response.ok, 'parity.missing', `${url}: HTTP ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** @param demo address of its folder @throws webgpu.*, model.*, config.*, weights.*, tokenizer.*, parity.missing */
export async function loadDemoModel(demo: string): Promise<DemoModel> {
  const source = { kind: 'bundled' as const, url: `${demo}/model` };
  const { device, info } = await requestDevice();
  const gpu = createGpu(device, { info });
  const files = await readModelFiles(source);
  const config = parseModelConfig(files.config, files.generation);
  const model = await loadQwen25VL(gpu, await openWeights(files.files), config);
  const text = await loadTextModel(source);
  const picture = (name: string) => bytesOf(`${demo}/data/images/${name}`);
  const decisions = plainDecisions('f32', { sft: 0, grpo: 0 });
  const { featuresOf } = createFeatureStore({
    gpu,
    tower: residentTower(model.vision),
    patchesOf: async ({ hash, view }) => imageToPatches(await viewRgb(await picture(hash), view), text.processor),
    decisions,
    hostBytes: decisions.features.host,
  });
  const lines = new TextDecoder()
    .decode(await bytesOf(`${demo}/data/demo_cot_train.jsonl`))
    .trim()
    .split('\n');
  return {
    gpu,
    model,
    text,
    encode: encodeContext(text, config),
    featuresOf,
    decisions,
    rows: lines.map((line) => JSON.parse(line) as DemoRow),
    async imageOf({ image }) {
      const { width, height } = viewSize(pictureSize(await picture(image)), VIEW);
      return { hash: image, view: VIEW, grid: imageGrid(width, height, text.processor) };
    },
  };
}
