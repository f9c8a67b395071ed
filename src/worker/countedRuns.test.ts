// The real host code at the real model's size, on a device that counts: over presets, picture sizes and lengths.

import { beforeAll, describe, expect, it } from 'vitest';
import { createGpu } from '../gpu/gpu';
import { createCountingDevice, defineGpuConstants } from '../gpu/testing/countingDevice';
import { CONFIG_3B } from '../model/testing/config3b';
import { zeroWeights } from '../model/testing/zeroWeights';
import { presets } from '../recipe/presets';
import type { Recipe } from '../recipe/config';
import { finishedDecoding } from './testing/finishedDecoding';
import { syntheticRun, type SyntheticRows } from './testing/syntheticRun';

interface Counted {
  name: string;
  preset: keyof typeof presets;
  rows: SyntheticRows;
  newTokens: number;
}

const small: SyntheticRows = { count: 64, promptText: 60, target: 40, picture: [24, 24] };
const photo: SyntheticRows = { ...small, picture: [36, 36] };
const large: SyntheticRows = { ...small, picture: [92, 92] };

const PRESETS = Object.keys(presets).filter((name) => name !== 'demo') as (keyof typeof presets)[];
const RUNS: Counted[] = PRESETS.flatMap((preset) =>
  [small, photo, large].map((rows) => ({
    name: `${preset}, pictures of ${rows.picture[0] * 14} px`,
    preset,
    rows,
    newTokens: 8,
  })),
);

/** A recipe for a few steps of each stage. */
function shortened(recipe: Recipe, newTokens: number): Recipe {
  return {
    ...recipe,
    sft: { ...recipe.sft, max_steps: 3, eval_steps: 0, load_best_model_at_end: false },
    grpo: {
      ...recipe.grpo,
      max_steps: 2,
      eval_steps: 0,
      load_best_model_at_end: false,
      max_completion_length: newTokens,
    },
  };
}

beforeAll(defineGpuConstants);

describe('a run at the size of the 3B model', () => {
  it.each(RUNS)('gives back all that it takes: $name', async ({ preset, rows, newTokens }) => {
    const counting = createCountingDevice({ adapterClass: 'gpu', content: finishedDecoding(newTokens) });
    const gpu = createGpu(counting.device, { info: counting.info, debug: false });
    const began = performance.now();
    const recipe = shortened(presets[preset], newTokens);
    const { phases, budget } = await syntheticRun(gpu, {
      config: CONFIG_3B,
      weights: zeroWeights(CONFIG_3B),
      recipe,
      rows,
      validationRows: 8,
      gpuBytes: 12 * 2 ** 30,
    });
    await gpu.rec.submit();
    const report = counting.report();
    for (const { phase, memory } of phases) {
      console.log(
        phase,
        (memory.peak.total / 1e9).toFixed(2),
        JSON.stringify(Object.fromEntries(Object.entries(memory.peak.bytes).map(([k, v]) => [k, Math.round(v / 1e6)]))),
      );
    }
    console.log(JSON.stringify(budget.peaks), budget.fits, budget.usable, JSON.stringify(budget.decisions));
    console.log(JSON.stringify(report), JSON.stringify(gpu.rec.counts()), (performance.now() - began) / 1000);
    expect(report).toMatchObject({ freedTwice: 0, usedAfterFree: 0 });
    expect(report.liveBytes).toBe(gpu.memory().total);
    expect(gpu.memory().bytes).toMatchObject({ workspace: 0, kv: 0, features: 0, idle: 0, staging: 0 });
  });
});
