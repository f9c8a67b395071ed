// The plan beside what the real host code takes, on a device that counts: over configurations drawn by a seed that is
// printed with each. LORIKEET_PLAN_SEED draws others.

import { beforeAll, expect, it } from 'vitest';
import { numbersFrom } from '../base/testing/numbersFrom';
import { createGpu } from '../gpu/gpu';
import { createCountingDevice, defineGpuConstants } from '../gpu/testing/countingDevice';
import { CONFIG_3B } from '../model/testing/config3b';
import { zeroWeights } from '../model/testing/zeroWeights';
import type { Phase } from '../planner/gpuPhases';
import { makePlan, type Plan } from '../planner/plan';
import { presets } from '../recipe/presets';
import type { Recipe } from '../recipe/config';
import { plainStorage } from './decide';
import { runFigures } from './runFigures';
import { finishedDecoding } from './testing/finishedDecoding';
import { syntheticRows, syntheticRun, type SyntheticRun, type SyntheticRunOptions } from './testing/syntheticRun';

const SEED = Number(process.env['LORIKEET_PLAN_SEED'] ?? 1);
const CONFIGURATIONS = 12;

/** The 3B model's widths in few layers: everything but the number of layers is as it is. */
const CONFIG = {
  ...CONFIG_3B,
  layers: 2,
  vision: { ...CONFIG_3B.vision, depth: 2, fullAttentionBlocks: [1] },
};

interface Drawn {
  name: string;
  newTokens: number;
  options: SyntheticRunOptions;
}

function draw(index: number): Drawn {
  const next = numbersFrom(SEED * 1000 + index);
  const one = <T>(...list: readonly T[]): T => list[Math.floor(next() * list.length)]!;
  const preset = one('balanced', 'memory-tight', 'mmherc');
  const side = one(16, 24, 36);
  const newTokens = one(4, 8, 16);
  const promptText = 20 + Math.floor(next() * 100);
  const gigabytes = one(6, 8, 12, 16, 24);
  const gradient_checkpointing = one<boolean | 'auto'>(true, false, 'auto');
  const own: Recipe = presets[preset];
  const few = { eval_steps: 0, load_best_model_at_end: false, gradient_checkpointing };
  const recipe: Recipe = {
    ...own,
    sft: { ...own.sft, ...few, max_steps: 2, gradient_accumulation_steps: 1 },
    grpo: { ...own.grpo, ...few, max_steps: 1, max_completion_length: newTokens, reward_weights: null },
  };
  const rows = { count: 16, promptText, target: 10 + Math.floor(next() * 50), picture: [side, side] as const };
  const facts = [preset, `${side * 14} px`, `${promptText} + ${rows.target} tokens`, `${newTokens} new`];
  const options = { config: CONFIG, weights: zeroWeights(CONFIG), recipe, rows, validationRows: 4 };
  return {
    name: [...facts, `${gigabytes} GB`, `checkpointing ${gradient_checkpointing}`].join(', '),
    newTokens,
    options: { ...options, gpuBytes: gigabytes * 2 ** 30 },
  };
}

async function counted({ options, newTokens }: Drawn): Promise<{ run: SyntheticRun; plan: Plan }> {
  const counting = createCountingDevice({ adapterClass: 'gpu', content: finishedDecoding(newTokens) });
  const gpu = createGpu(counting.device, { info: counting.info, debug: false });
  const run = await syntheticRun(gpu, options);
  const { config, recipe } = options;
  const { decisions, usable } = run.budget;
  const figures = runFigures(syntheticRows(options), recipe, 0, config.vision.spatialMergeSize);
  const tables = plainStorage(options.weights, recipe);
  const known = { config, recipe, decisions, tables, figures };
  const plan = makePlan({ ...known, usableBytes: usable, cachedModelBytes: 0 });
  return { run, plan };
}

/** The planned phases that happen within a counted one. */
const PHASES: Record<string, Phase[]> = {
  load: ['load'],
  'evaluate before': ['evaluate'],
  sft: ['sft'],
  grpo: ['rollout', 'grpo'],
  'evaluate after': ['evaluate'],
};

beforeAll(defineGpuConstants);

/** Holds every phase's plan against what was counted. */
function expectPlanned({ run, plan }: { run: SyntheticRun; plan: Plan }, phases = PHASES): void {
  for (const { phase, memory } of run.phases) {
    const names = phases[phase];
    if (!names) continue;
    const planned = Math.max(...plan.phases.filter((one) => names.includes(one.phase)).map(({ total }) => total));
    const ratio = planned / memory.peak.total;
    expect(Math.abs(ratio - 1), `${phase}: planned over counted is ${ratio}`).toBeLessThanOrEqual(0.05);
  }
}

it.each(Array.from({ length: CONFIGURATIONS }, (_, i) => draw(i)))(
  `the plan of every phase is within 5% of what is counted (seed ${SEED}): $name`,
  async (drawn) => expectPlanned(await counted(drawn)),
);

it('an evaluation while GRPO trains is planned beside the reference that the KL term holds', async () => {
  const own: Recipe = presets.balanced;
  // After its last step, since steps are counted each for itself.
  const last = { eval_steps: 2, max_steps: 2, load_best_model_at_end: true };
  const recipe: Recipe = {
    ...own,
    lora: { ...own.lora, r: 256, lora_alpha: 256 },
    sft: { ...own.sft, max_steps: 0 },
    grpo: {
      ...own.grpo,
      ...last,
      ...{ max_completion_length: 4, beta: 0.04, reference: 'start', reward_weights: null },
      ...{ num_generations: 2, per_device_train_batch_size: 2, gradient_accumulation_steps: 1 },
    },
    eval: { ...own.eval, samples_per_row: 16 },
  };
  const rows = { count: 16, promptText: 20, target: 10, picture: [16, 16] as const };
  const options = { config: CONFIG, weights: zeroWeights(CONFIG), recipe, rows, validationRows: 16 };
  const { run, plan } = await counted({ name: '', newTokens: 4, options: { ...options, gpuBytes: 16 * 2 ** 30 } });
  expectPlanned({ run, plan }, { grpo: ['evaluate'] });
});
