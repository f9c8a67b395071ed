// The demo model against what PyTorch recorded of it: one row token by token, and twelve greedy answers.

import { describe, expect, test } from 'vitest';
import { encodePrompt } from '../data/encode';
import { packGroups } from '../data/pack';
import { openWeights } from '../formats/weightFiles';
import type { AdapterClass } from '../gpu/device';
import { requestDevice } from '../gpu/device';
import { createGpu } from '../gpu/gpu';
import { imageToPatches } from '../image/patches';
import { imageGrid } from '../image/smartResize';
import { pictureSize, viewRgb, viewSize, type ImageView } from '../image/view';
import { plainDecisions } from '../budgets/decisions';
import { createFeatureStore, residentTower } from '../infer/features';
import { generate } from '../infer/generate';
import { parseModelConfig } from '../model/config';
import { createAdapter } from '../model/lora';
import { loadQwen25VL } from '../model/qwen25vl';
import { scoreLabels } from '../train/lossPass';
import { presets } from '../recipe/presets';
import { buildTarget } from '../text/prompt';
import { readModelFiles } from './modelFiles';
import { encodeContext, loadTextModel } from './textModel';

interface Expected {
  golden: {
    image: string;
    question: string;
    prompt_ids: number[];
    positions_thw: number[][];
    first_picture_token: number[];
    target_ids: number[];
    target_logps: number[];
  };
  greedy_before: { image: string; question: string; text: string }[];
}

const source = { kind: 'bundled', url: '/demo/model/' } as const;
const VIEW: ImageView = { loading: presets.demo.image_loading, preResize: false };
const imageBytes = async (name: string) =>
  new Uint8Array(await (await fetch(`/demo/data/images/${name}`)).arrayBuffer());

async function openDemo(variant: AdapterClass) {
  const { device, info } = await requestDevice();
  const gpu = createGpu(device, { info, variant, debug: true });
  const files = await readModelFiles(source);
  const config = parseModelConfig(files.config, files.generation);
  const model = await loadQwen25VL(gpu, await openWeights(files.files), config);
  const text = await loadTextModel(source);
  const decisions = plainDecisions('f32', { sft: 0, grpo: 0 });
  const { featuresOf } = createFeatureStore({
    gpu,
    tower: residentTower(model.vision),
    patchesOf: async ({ hash, view }) => imageToPatches(await viewRgb(await imageBytes(hash), view), text.processor),
    decisions,
    hostBytes: decisions.features.host,
  });
  const tokens = { imageTokenId: config.imageTokenId, spatialMergeSize: config.vision.spatialMergeSize };
  const context = encodeContext(text, config);
  const promptOf = async (image: string, question: string) => {
    const { width, height } = viewSize(pictureSize(await imageBytes(image)), VIEW);
    const ref = { hash: image, view: VIEW, grid: imageGrid(width, height, text.processor) };
    const encoded = encodePrompt(question, [ref], presets.demo, context);
    if (!encoded.ok) throw new Error(encoded.problem.message);
    return encoded.value;
  };
  return { gpu, config, model, text, featuresOf, decisions, tokens, promptOf };
}

const expected = (await (await fetch('/demo/expected.json')).json()) as Expected;

describe.each<AdapterClass>(['software', 'gpu'])('the demo model with %s kernels', (variant) => {
  test('gives the golden row its tokens, positions, picture features and log-probabilities', async () => {
    const demo = await openDemo(variant);
    const { golden } = expected;
    const prompt = await demo.promptOf(golden.image, golden.question);
    expect(Array.from(prompt.ids)).toEqual(golden.prompt_ids);
    expect(Array.from(prompt.positions)).toEqual(golden.positions_thw.flat());
    await demo.featuresOf(prompt.images, (_, features) =>
      golden.first_picture_token.forEach((want, i) => expect(Math.abs(features[i]! - want)).toBeLessThan(1e-4)),
    );
    // The target's last tokens close the turn; the record holds every token of it.
    const batch = packGroups([{ prompt, completions: [golden.target_ids] }], demo.tokens);
    const trainee = {
      gpu: demo.gpu,
      model: demo.model,
      adapter: createAdapter(demo.gpu, demo.config, presets.demo.lora),
      featuresOf: demo.featuresOf,
      decisions: demo.decisions,
    };
    const { logp } = await scoreLabels(trainee, batch, { temperature: 1, withAdapter: false });
    golden.target_logps.forEach((want, i) => expect(Math.abs(logp[i]! - want)).toBeLessThan(1e-4));
  });
});

test('the demo model answers twelve questions greedily with the recorded texts', async () => {
  const demo = await openDemo('software');
  const rows = expected.greedy_before;
  expect(rows.length).toBe(12);
  const prompts = await Promise.all(
    rows.map(async (row, tag) => ({ ...(await demo.promptOf(row.image, row.question)), tag })),
  );
  const completions = await generate(
    {
      gpu: demo.gpu,
      model: demo.model.language,
      spatialMergeSize: demo.config.vision.spatialMergeSize,
      featuresOf: demo.featuresOf,
      decisions: demo.decisions,
    },
    prompts,
    {
      modes: [{ count: 1, temperature: 0 }],
      maxNewTokens: presets.demo.grpo.max_completion_length,
      suppressedIds: [demo.config.imageTokenId],
      endIds: demo.config.eosTokenIds,
      key: [0, 0],
      topK: 0,
      topP: 1,
      minP: 0,
      repetitionPenalty: 1,
    },
  );
  const texts = completions.map(([only]) => demo.text.tokenizer.decode(only!.ids, { skipSpecialTokens: true }));
  expect(texts).toEqual(rows.map((row) => row.text));
});

test('the golden row’s target is built from its thought and answer', async () => {
  const demo = await openDemo('software');
  const lines = (await (await fetch('/demo/data/demo_cot_val.jsonl')).text()).trim().split('\n');
  const rows = lines.map((line) => JSON.parse(line) as Record<'image' | 'question' | 'thought' | 'answer', string>);
  const { golden } = expected;
  const row = rows.find(({ image, question }) => image === golden.image && question === golden.question);
  if (!row) throw new Error('the golden row is not among the validation rows');
  const ids = buildTarget(demo.text.tokenizer, demo.text.chatTemplate, {
    targetTemplate: presets.demo.target_template,
    thought: row.thought,
    answer: row.answer,
  });
  expect(ids.slice(0, golden.target_ids.length)).toEqual(golden.target_ids);
});
