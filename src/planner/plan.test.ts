import { describe, expect, it } from 'vitest';
import demoConfig from '../../public/demo/model/config.json';
import { makeBudget } from '../budgets/budgets';
import { parseModelConfig, type ModelConfig } from '../model/config';
import type { Recipe } from '../recipe/config';
import { defaultRecipe } from '../recipe/defaultRecipe';
import { withOptions } from '../recipe/optionValues';
import { languageBytes, towerBytes } from './baseBytes';
import { cheapestChanges, possibleChanges } from './changes';
import type { PassFigures, RunFigures } from './figures';
import { forwardFlops, trainingFlops } from './flops';
import { makePlan, type Plan } from './plan';

const GIB = 2 ** 30;
const GB = 1e9;

/** Qwen2.5-VL-3B-Instruct, from its config.json. */
const CONFIG: ModelConfig = {
  ...parseModelConfig(demoConfig),
  ...{ hiddenSize: 2048, intermediateSize: 11_008, layers: 36, heads: 16, kvHeads: 2, headSize: 128 },
  ...{ vocabSize: 151_936, tieWordEmbeddings: true },
  vision: {
    ...parseModelConfig(demoConfig).vision,
    ...{ depth: 32, hiddenSize: 1280, intermediateSize: 3420, heads: 16, headSize: 80, outHiddenSize: 2048 },
    ...{ patchSize: 14, spatialMergeSize: 2, windowSize: 112, fullAttentionBlocks: [7, 15, 23, 31] },
  },
};

/** An example of so many tokens with 400 of a picture and 100 labels. */
function examples(count: number, tokens: number): PassFigures {
  const pairs = (count * tokens * (tokens + 1)) / 2;
  return { tokens: count * tokens, pairs, rows: count * 100, labels: count * 100, pictureTokens: count * 400 };
}

const SFT: RunFigures = {
  sft: { steps: 100, microBatches: 1, largest: examples(4, 600), mean: examples(4, 600) },
  grpo: null,
  evaluation: null,
  pictures: { count: 100, patches: 160_000, largestPatches: 1600 },
  encodedTokens: 100 * 1200,
};

const GROUPS: PassFigures = {
  tokens: 4 * 500 + 16 * 128,
  pairs: (4 * 500 * 501) / 2 + 16 * (500 * 128 + (128 * 129) / 2),
  rows: 16 * 128,
  labels: 16 * 128,
  pictureTokens: 4 * 400,
};

const GRPO: RunFigures = {
  ...SFT,
  sft: null,
  grpo: {
    ...{ steps: 100, rolloutsPerStep: 1, packs: 1, scorePasses: 0, largest: GROUPS, mean: GROUPS },
    meanPromptTokens: 500,
    scored: { largest: GROUPS, all: GROUPS },
    rollout: {
      ...{ prompts: 4, sequences: 16, promptTokens: 2000, longestPrompt: 500, pictureTokens: 1600 },
      ...{ maxNewTokens: 128, expectedNewTokens: 60, expectedLengths: [40, 80] },
    },
  },
};

function recipeOf(change: Partial<Recipe>): Recipe {
  return { ...defaultRecipe, ...change };
}

function planOf(
  figures: RunFigures,
  gigabytes: number,
  recipe = recipeOf({}),
  storages: ('nf4' | 'bf16')[] = ['nf4'],
): Plan {
  const budget = makeBudget({
    config: CONFIG,
    recipe,
    limits: { maxBufferSize: 4 * GIB, maxStorageBufferBindingSize: 2 * GIB - 4 },
    gpuBytes: gigabytes * GIB,
    storages,
    tables: 'bf16',
    workload: {
      sftTokens: figures.sft?.largest.tokens ?? 0,
      grpoTokens: figures.grpo?.largest.tokens ?? 0,
      ...{ longestPrompt: 500, longestCompletion: 628 },
      rolloutRows: figures.grpo ? 2000 + 16 * 128 : 0,
      rolloutSequences: figures.grpo ? 16 : 0,
      ...{ largestPicture: 1600, allPatches: 160_000 },
    },
  });
  const { decisions, usable } = budget;
  return makePlan({
    config: CONFIG,
    recipe,
    decisions,
    tables: 'bf16',
    figures,
    usableBytes: usable,
    cachedModelBytes: 0,
  });
}

const BF16 = { storage: 'bf16', tables: 'bf16' } as const;

describe('the base of Qwen2.5-VL-3B', () => {
  it('has the bytes of its published files in 16 bits', () => {
    // 7,509,245,952 bytes of tensors in the two shards (model.safetensors.index.json: total_size); norms and biases are f32 here.
    const total = languageBytes(CONFIG, BF16) + towerBytes(CONFIG, BF16);
    expect(total / 7_509_245_952).toBeCloseTo(1, 3);
  });

  it('takes 2.18 GB in NF4 without its tower', () => {
    // 2,774,532,096 numbers of linears at 4.5 bits, 311,164,928 of the embedding at 16.
    expect(languageBytes(CONFIG, { storage: 'nf4', tables: 'bf16' }) / GB).toBeCloseTo(2.18, 1);
  });

  it('takes two bytes more for every number of its tables where those stay in 32 bits', () => {
    const of = (tables: 'bf16' | 'f32') =>
      [languageBytes, towerBytes].map((bytes) => bytes(CONFIG, { storage: 'nf4', tables }));
    const [narrow, wide] = [of('bf16'), of('f32')];
    // 151936 x 2048 of the embedding, 1280 x 1176 of the patch embedding.
    expect(wide.map((bytes, i) => bytes - narrow[i]!)).toEqual([622_329_856, 3_010_560]);
  });
});

describe('a plan', () => {
  it('says that NF4 SFT of 4 x 600 tokens takes 4.5 GB or less', () => {
    const plan = planOf(SFT, 6);
    const sft = plan.phases.find(({ phase }) => phase === 'sft')!;
    expect(sft.total).toBeLessThanOrEqual(4.5 * GB);
    expect(plan.peak.total).toBeLessThanOrEqual(4.5 * GB);
    expect(plan.fits).toBe(true);
  });

  it('says that GRPO of 4 x 4 completions of 128 tokens on prompts of 500 takes 6 GB or less', () => {
    const plan = planOf(GRPO, 8);
    expect(plan.peak.total).toBeLessThanOrEqual(6 * GB);
    expect(plan.fits).toBe(true);
  });

  it('does not fit where the weights alone do not', () => {
    const plan = planOf(SFT, 6, recipeOf({}), ['bf16']);
    expect(plan.peak.parts.weights).toBeGreaterThan(6 * GB);
    expect(plan.fits).toBe(false);
  });

  it('counts the copies of an adapter that a stage keeps in memory: the best, a better one, the reference', () => {
    // 36 layers x rank 8 x (q: 2048 + 2048, v: 2048 + 256) numbers of 4 bytes.
    const copy = 7_372_800;
    const lora: Recipe['lora'] = { ...defaultRecipe.lora, r: 8, target_modules: ['q_proj', 'v_proj'] };
    const copies = (best: boolean, beta: number, maxSteps = 4): number => {
      const options = { eval_steps: 2, load_best_model_at_end: best };
      const sft = { ...defaultRecipe.sft, max_steps: 0 };
      const grpo = { ...defaultRecipe.grpo, ...options, max_steps: maxSteps, beta, reference: 'start' as const };
      return planOf(GRPO, 8, recipeOf({ lora, sft, grpo })).host.adapters / copy;
    };
    expect([copies(false, 0), copies(true, 0), copies(false, 0.04), copies(true, 0.04)]).toEqual([0, 2, 1, 3]);
    expect(copies(true, 0.04, 0)).toBe(0);
  });

  it('lists the parts of every phase, which add up to its total', () => {
    for (const { parts, total } of planOf(GRPO, 8).phases) {
      expect(Object.values(parts).reduce((a, b) => a + b, 0)).toBeCloseTo(total, 0);
      expect(Math.min(...Object.values(parts))).toBeGreaterThanOrEqual(0);
    }
    expect(planOf(GRPO, 8).phases.map(({ phase }) => phase)).toEqual([
      'load',
      'encode',
      'rollout',
      'grpo',
      'checkpoint',
    ]);
  });
});

describe('operations', () => {
  const lora = { ...defaultRecipe.lora, r: 8 };
  const pass = examples(4, 600);

  it('of a forward pass are two per weight and token, with the pairs of attention and the logits of labelled rows', () => {
    // 36 x 77,070,336 numbers; q and v of rank 8; attention 2 products x 2 x 2048 x 36 per pair; 400 rows of logits.
    const linears = 2 * 36 * 77_070_336 * 2400;
    const adapter = 2 * 36 * 8 * (2048 + 2048 + 2048 + 256) * 2400;
    const attention = 2 * 2 * 2048 * 36 * pass.pairs;
    const head = 2 * 2048 * 151_936 * 400;
    expect(forwardFlops(CONFIG, lora, pass)).toBe(linears + adapter + attention + head);
  });

  it('of a training pass fall by a third of the layers’ where all layers keep their activations', () => {
    const [none, all] = [0, 36].map((keptLayers) => trainingFlops(CONFIG, lora, pass, { keptLayers, headPasses: 2 }));
    expect(all! / none!).toBeGreaterThan(0.64);
    expect(all! / none!).toBeLessThan(0.72);
  });
});

describe('changes', () => {
  const sft = { ...defaultRecipe.sft, per_device_train_batch_size: 4, gradient_accumulation_steps: 2 };
  const recipe = recipeOf({ sft, grpo: { ...defaultRecipe.grpo, max_steps: 0 } });

  it('keep the rows of a step where they make the micro-batch smaller', () => {
    const change = possibleChanges(recipe, 313_600).find(
      ({ set }) => set[0]!.option === 'sft.per_device_train_batch_size',
    )!;
    expect(change.set).toEqual([
      { option: 'sft.per_device_train_batch_size', value: 2 },
      { option: 'sft.gradient_accumulation_steps', value: 4 },
    ]);
    expect(withOptions(recipe, change.set).sft).toMatchObject({
      per_device_train_batch_size: 2,
      gradient_accumulation_steps: 4,
    });
  });

  it('keep the completions of a rollout that is told in micro-batches', () => {
    const told = { per_device_train_batch_size: 4, gradient_accumulation_steps: 4, steps_per_generation: 2 };
    const grpo = recipeOf({ grpo: { ...defaultRecipe.grpo, max_steps: 10, ...told } });
    expect(possibleChanges(grpo, 313_600)).toContainEqual({
      set: [
        { option: 'grpo.per_device_train_batch_size', value: 2 },
        { option: 'grpo.gradient_accumulation_steps', value: 8 },
        { option: 'grpo.steps_per_generation', value: 4 },
      ],
    });
  });

  it.each([
    [{ r: 16, lora_alpha: 32, use_rslora: false }, [8, 16]],
    [{ r: 16, lora_alpha: 8, use_rslora: false }, [8, 4]],
    [{ r: 5, lora_alpha: 10, use_rslora: false }, [2, 4]],
    [{ r: 16, lora_alpha: 32, use_rslora: true }, [8]],
  ])('keep the scale of a smaller adapter: %o', (lora, values) => {
    const options = ['lora.r', 'lora.lora_alpha'];
    const set = values.map((value, i) => ({ option: options[i]!, value }));
    const changes = possibleChanges(recipeOf({ lora: { ...defaultRecipe.lora, ...lora } }), 313_600);
    expect(changes.filter((change) => change.set[0]!.option === 'lora.r')).toEqual([{ set }]);
  });

  it('are at most three, those that make the run fit first, and only such as need less', () => {
    const before = planOf(SFT, 6, recipe);
    const smaller = {
      ...SFT,
      sft: { ...SFT.sft!, largest: examples(2, 600), mean: examples(2, 600), microBatches: 2 },
    };
    const tried = possibleChanges(recipe, 313_600).map((change) => ({
      change,
      plan: planOf(
        change.set[0]!.option === 'sft.per_device_train_batch_size' ? smaller : SFT,
        6,
        withOptions(recipe, change.set),
      ),
    }));
    const effects = cheapestChanges(before, tried);
    expect(effects.length).toBeLessThanOrEqual(3);
    expect(effects.map(({ set }) => set[0]!.option)).toContain('sft.per_device_train_batch_size');
    for (const { bytes } of effects) expect(bytes).toBeLessThan(0);
  });
});
