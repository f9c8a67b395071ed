// A failure in the middle of recording must not keep memory: a run may go on with smaller parts in what is left.

import { expect, it } from 'vitest';
import { TARGET_MODULES } from '../base/targetModules';
import { longTest } from '../base/testing/longTest';
import type { Recorder } from '../gpu/recorder';
import { withGpu, type GpuBench } from '../gpu/testGpu';
import { adamw } from '../ops/adamw';
import { rangePairs } from '../ops/attention';
import { headLogProbs, STATS_WIDTH } from '../ops/head';
import { queryEnds, segments } from '../ops/testing/scenes';
import { blockBackward, blockForward } from './decoderBlock';
import { finalRows, finalRowsBackward } from './languageModel';
import { createAdapter, type LoraAdapter } from './lora';
import { loadQwen25VL, type Qwen25VL } from './qwen25vl';
import { mropeTable } from './ropeTables';
import { NARROW_WIDTHS, oneLayerModel } from './testing/oneLayerModel';
import { visionFeatures } from './visionTower';

const TOKENS = 8;
const FAILURE = 'no more kernels';

/** A recorder that fails at its kernel number `at`, from 0. */
function failing(rec: Recorder, at: number): Recorder {
  let left = at;
  return {
    ...rec,
    dispatch(...call) {
      if (left-- === 0) throw new Error(FAILURE);
      rec.dispatch(...call);
    },
  };
}

/** Lets `work` fail at each of its kernels in turn and looks at what scopes hold afterwards. */
async function expectGivenBack({ gpu }: GpuBench, work: (rec: Recorder) => void | Promise<void>): Promise<void> {
  const held = () => gpu.memory().bytes.workspace;
  const before = held();
  let failed = true;
  for (let at = 0; failed; at++) {
    try {
      await work(failing(gpu.rec, at));
      failed = false;
      expect(at, 'kernels').toBeGreaterThan(0);
    } catch (error) {
      if ((error as Error).message !== FAILURE) throw error;
    }
    expect(held(), `after a failure at kernel ${at}`).toBe(before);
  }
}

interface Scene {
  bench: GpuBench;
  model: Qwen25VL;
  adapter: LoraAdapter;
}

async function withModel(use: (scene: Scene) => Promise<void>): Promise<void> {
  const { config, files } = await oneLayerModel(NARROW_WIDTHS, 'F32');
  await withGpu('software', async (bench) => {
    const model = await loadQwen25VL(bench.gpu, files, config);
    const adapter = createAdapter(bench.gpu, config, { r: 4, lora_alpha: 8, target_modules: TARGET_MODULES });
    await use({ bench, model, adapter });
  });
}

longTest('a layer backward gives its memory back wherever it fails, and so do its adapted products', () =>
  withModel(async ({ bench, model: { config, language }, adapter }) => {
    const { rec, input, output } = bench;
    const ranges = segments(TOKENS);
    const table = mropeTable(new Array<number>(3 * TOKENS).fill(1), {
      headSize: config.headSize,
      theta: config.ropeTheta,
      section: config.mropeSection,
    });
    const stream = {
      tokens: TOKENS,
      pairs: rangePairs(Uint32Array.from(ranges.flat())),
      table: input(table),
      tableRow: input(Uint32Array.from({ length: TOKENS }, (_, t) => t)),
      ranges: input(Uint32Array.from(ranges.flat())),
      queryEnd: input(Uint32Array.from(queryEnds(ranges, TOKENS))),
    };
    const shape = [TOKENS, config.hiddenSize];
    const keep = rec.scope();
    const context = { rec, adapter, config, stream };
    const block = language.weights.blocks[0]!;
    const saved = blockForward(context, block, output(shape), output(shape), keep);
    const dy = output(shape);
    await expectGivenBack(bench, (own) => blockBackward({ ...context, rec: own }, block, dy, saved, true));
    keep.release();
  }),
);

it('the final norm backward gives its memory back wherever it fails', () =>
  withModel(async ({ bench, model: { config, language } }) => {
    const { rec, input, output } = bench;
    const shape = [TOKENS, config.hiddenSize];
    const keep = rec.scope();
    const row = input(Uint32Array.from({ length: TOKENS }, (_, t) => t));
    const saved = finalRows(rec, language, { x: output(shape), row, hidden: output(shape) }, keep);
    const tensors = { dHidden: output(shape), row, dx: output(shape) };
    await expectGivenBack(bench, (own) => finalRowsBackward(own, language, tensors, saved));
    keep.release();
  }));

it('the head gives its chunks of logits back wherever it fails', () =>
  withModel(async ({ bench, model: { config, language } }) => {
    const { input, output } = bench;
    const labelStartHost = Uint32Array.from({ length: TOKENS + 1 }, (_, t) => t);
    const labels = {
      rows: TOKENS,
      count: TOKENS,
      labels: input(Uint32Array.from({ length: 2 * TOKENS }, (_, i) => (i % 2 ? 3 : i / 2))),
      labelStart: input(labelStartHost),
      labelStartHost,
    };
    const tensors = {
      hidden: output([TOKENS, config.hiddenSize]),
      stats: output([TOKENS, STATS_WIDTH]),
      logp: output([TOKENS]),
    };
    const options = { temperature: 1, chunkBytes: 2 * 4 * config.vocabSize };
    await expectGivenBack(bench, (own) => headLogProbs(own, tensors, language.weights.head, labels, options));
  }));

it('AdamW gives its memory back wherever it fails', () =>
  withModel(async ({ bench, adapter }) => {
    const { gradient, weight, moment1, moment2 } = adapter;
    const tensors = { gradient, weight, moment1, moment2, norm: bench.output([1]) };
    const rates = { learningRate: 1, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0, maxGradNorm: 1 };
    await expectGivenBack(bench, (own) => adamw(own, tensors, { step: 1, ...rates }));
  }));

it('the vision tower gives its memory back wherever it fails', () =>
  withModel(async ({ bench, model: { vision } }) => {
    const { inChannels, temporalPatchSize, patchSize } = vision.config;
    const patches = new Float32Array(4 * 4 * inChannels * temporalPatchSize * patchSize ** 2);
    await expectGivenBack(bench, async (rec) => {
      await visionFeatures({ ...bench.gpu, rec }, vision, patches, [[1, 4, 4]]);
    });
  }));
