// A training step of the demo model in one submission and in one per dispatch: the same bits, and no more memory.

import { expect, test } from 'vitest';
import { plainDecisions } from '../budgets/decisions';
import { encodePrompt } from '../data/encode';
import { packGroups } from '../data/pack';
import { openWeights } from '../formats/weightFiles';
import { requestDevice } from '../gpu/device';
import { createGpu } from '../gpu/gpu';
import { imageToPatches } from '../image/patches';
import { imageGrid } from '../image/smartResize';
import { pictureSize, viewRgb, viewSize, type ImageView } from '../image/view';
import { createFeatureStore, residentTower } from '../infer/features';
import { generate } from '../infer/generate';
import { parseModelConfig } from '../model/config';
import { createAdapter, initialValues, loadValues } from '../model/lora';
import { loadQwen25VL } from '../model/qwen25vl';
import { presets } from '../recipe/presets';
import { openPass, supervisedPass } from '../train/lossPass';
import { clearGradient, updateAdapter } from '../train/optimizer';
import { readModelFiles } from './modelFiles';
import { encodeContext, loadTextModel } from './textModel';

const SOURCE = { kind: 'bundled', url: '/demo/model/' } as const;
const VIEW: ImageView = { loading: presets.demo.image_loading, preResize: false };

async function firstRow(): Promise<{ image: string; question: string }> {
  const { golden } = (await (await fetch('/demo/expected.json')).json()) as {
    golden: { image: string; question: string };
  };
  return golden;
}

/** One SFT step, one rollout and one policy step; everything that they compute, and what they took. */
async function train(flopBudget: number) {
  const { device, info } = await requestDevice();
  const gpu = createGpu(device, { info, debug: true, flopBudget });
  const files = await readModelFiles(SOURCE);
  const config = parseModelConfig(files.config, files.generation);
  const model = await loadQwen25VL(gpu, await openWeights(files.files), config);
  const text = await loadTextModel(SOURCE);
  const bytesOf = async (name: string) =>
    new Uint8Array(await (await fetch(`/demo/data/images/${name}`)).arrayBuffer());
  const decisions = plainDecisions('f32', { sft: 0, grpo: 0 });
  const { featuresOf } = createFeatureStore({
    gpu,
    tower: residentTower(model.vision),
    patchesOf: async ({ hash, view }) => imageToPatches(await viewRgb(await bytesOf(hash), view), text.processor),
    decisions,
    hostBytes: decisions.features.host,
  });
  const { image, question } = await firstRow();
  const { width, height } = viewSize(pictureSize(await bytesOf(image)), VIEW);
  const ref = { hash: image, view: VIEW, grid: imageGrid(width, height, text.processor) };
  const encoded = encodePrompt(question, [ref], presets.demo, encodeContext(text, config));
  if (!encoded.ok) throw new Error(encoded.problem.message);
  const prompt = encoded.value;
  const tokens = { imageTokenId: config.imageTokenId, spatialMergeSize: config.vision.spatialMergeSize };
  const adapter = createAdapter(gpu, config, presets.demo.lora);
  loadValues(gpu, adapter, initialValues(adapter, 3));
  const trainee = { gpu, model, adapter, featuresOf, decisions };

  const completions = [
    [5, 6, 7, 8],
    [9, 10],
  ];
  const batch = packGroups([{ prompt, completions }], tokens);
  const pass = { temperature: 1, keptLayers: 0 };
  clearGradient(gpu, adapter);
  const c = new Float32Array(batch.labels.length).fill(-0.1);
  const sft = await supervisedPass(trainee, batch, c, pass);
  const [gradient] = await gpu.rec.read(adapter.gradient);
  const norm = await updateAdapter(gpu, adapter, presets.demo.sft, 1, 0.01);
  const context = { gpu, model: model.language, spatialMergeSize: tokens.spatialMergeSize, featuresOf, decisions };
  const sampled = await generate(context, [{ ...prompt, tag: 0 }], {
    modes: [{ count: 2, temperature: 1 }],
    maxNewTokens: 6,
    suppressedIds: [config.imageTokenId],
    endIds: config.eosTokenIds,
    key: [1, 2],
    topK: 0,
    topP: 1,
    minP: 0,
    repetitionPenalty: 1,
    adapter,
  });
  clearGradient(gpu, adapter);
  const policy = await openPass(trainee, batch, { ...pass, keptLayers: config.layers });
  await policy.backward(c, new Float32Array(c.length).fill(0.01));
  await updateAdapter(gpu, adapter, presets.demo.grpo, 2, 0.01);
  const [weight] = await gpu.rec.read(adapter.weight);
  gpu.assertHealthy();
  const counts = gpu.rec.counts();
  const numbers = { sft, norm, sampled, values: policy.values };
  const bits = { gradient: new Uint32Array(gradient), weight: new Uint32Array(weight) };
  const live = gpu.memory().bytes;
  device.destroy();
  return { numbers, bits, counts, live };
}

test('a submission for every dispatch gives the bits of one for the whole step', async () => {
  const whole = await train(Infinity);
  const cut = await train(1);
  expect(cut.numbers).toEqual(whole.numbers);
  expect(cut.bits).toEqual(whole.bits);
  expect(whole.bits.gradient.some((bits) => bits !== 0)).toBe(true);
  expect(cut.counts.dispatches).toBeGreaterThanOrEqual(whole.counts.dispatches);
  expect(cut.counts.submissions).toBeGreaterThan(0.9 * cut.counts.dispatches);
  expect(whole.counts.submissions).toBeLessThan(whole.counts.dispatches / 20);
  // Nothing stays in use but what lives as long as the run.
  expect(whole.live).toMatchObject({ workspace: 0, kv: 0, features: 0 });
  expect(cut.live).toEqual({ ...whole.live, staging: cut.live.staging, idle: cut.live.idle });
});
