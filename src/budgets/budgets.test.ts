import { describe, expect, it } from 'vitest';
import { parseModelConfig } from '../model/config';
import { CONFIG_3B } from '../model/testing/config3b';
import { defaultRecipe } from '../recipe/defaultRecipe';
import type { Recipe } from '../recipe/config';
import { makeBudget, type Budget, type BudgetInput, type Workload } from './budgets';
import { MOST, readDecisions } from './decisions';
import { baseBytes } from './modelBytes';
import demoConfig from '../../public/demo/model/config.json';

const GIB = 2 ** 30;
const LIMITS = { maxBufferSize: 4 * GIB, maxStorageBufferBindingSize: 2 * GIB - 4 };

const DEMO_LOAD: Workload = {
  sftTokens: 16 * 130,
  grpoTokens: 16 * 64 + 4 * 90,
  longestPrompt: 90,
  longestCompletion: 154,
  rolloutRows: 16 * 64 + 4 * 90,
  rolloutSequences: 16,
  largestPicture: 64,
  allPatches: 64 * 200,
};

/** SFT 4 x 600; GRPO 4 prompts of 500 x 4 completions of 128, in packs of one group. */
const LOAD_3B: Workload = {
  sftTokens: 4 * 600,
  grpoTokens: 500 + 4 * 128,
  longestPrompt: 500,
  longestCompletion: 628,
  rolloutRows: 4 * 500 + 16 * 128,
  rolloutSequences: 16,
  largestPicture: 1600,
  allPatches: 1600 * 10_000,
};

function recipeOf(checkpointing: boolean | 'auto'): Recipe {
  const option = { gradient_checkpointing: checkpointing };
  return { ...defaultRecipe, sft: { ...defaultRecipe.sft, ...option }, grpo: { ...defaultRecipe.grpo, ...option } };
}

function budgetOf(gigabytes: number, change: Partial<BudgetInput> = {}): Budget {
  return makeBudget({
    config: CONFIG_3B,
    recipe: recipeOf('auto'),
    limits: LIMITS,
    gpuBytes: gigabytes * GIB,
    workload: LOAD_3B,
    storages: ['bf16', 'nf4'],
    tables: 'bf16',
    ...change,
  });
}

const demo = (gigabytes: number, checkpointing: boolean | 'auto' = 'auto') =>
  budgetOf(gigabytes, {
    config: parseModelConfig(demoConfig),
    recipe: recipeOf(checkpointing),
    limits: { maxBufferSize: 2 ** 28, maxStorageBufferBindingSize: 2 ** 27 },
    workload: DEMO_LOAD,
    storages: ['f32', 'bf16', 'nf4'],
  });

describe('the demo', () => {
  it.each([4, 6, 8, 12, 16, 24])('is never cut into smaller pieces, on %d GB', (gigabytes) => {
    const { decisions, fits } = demo(gigabytes);
    expect(decisions).toEqual({
      storage: 'f32',
      towerStays: true,
      prefillTokens: 4096,
      cacheRows: 32_768,
      sequencesTogether: 32_768,
      scoreTokens: 4096,
      headChunkBytes: 64 * 2 ** 20,
      patchesTogether: 2048,
      features: demo(8).decisions.features,
      sft: { tokensTogether: MOST.tokensTogether, keptLayers: 4 },
      grpo: { tokensTogether: MOST.tokensTogether, keptLayers: 4 },
    });
    expect(fits).toBe(true);
  });

  it('keeps all layers or none where the recipe says so', () => {
    expect(demo(8, true).decisions.sft.keptLayers).toBe(0);
    expect(demo(8, false).decisions.grpo.keptLayers).toBe(4);
  });
});

describe('the 3B model', () => {
  it('is quantized where 16 bits leave no room to train', () => {
    const storages = [4, 6, 8, 12, 16, 24].map((gigabytes) => budgetOf(gigabytes).decisions.storage);
    expect(storages).toEqual(['nf4', 'nf4', 'nf4', 'bf16', 'bf16', 'bf16']);
  });

  it('has the bytes of its weights', () => {
    // 36 x (2048 x 2560 + 2048² + 3 x 2048 x 11008) numbers in linears, 151936 x 2048 in the tied table.
    expect(baseBytes(CONFIG_3B, 'bf16', 'bf16').language / 1e9).toBeCloseTo(6.17, 2);
    // Four bits and a block maximum for every 64; the table stays in 16 bits.
    expect(baseBytes(CONFIG_3B, 'nf4', 'bf16').language / 1e9).toBeCloseTo(2.18, 2);
    expect(baseBytes(CONFIG_3B, 'bf16', 'bf16').tower / 1e9).toBeCloseTo(1.34, 2);
  });

  it('keeps its tables in 32 bits beside NF4 where the recipe or the files have them so', () => {
    // 151936 x 2048 numbers of two bytes more; in the tower 1280 x 1176 of the patch embedding.
    const [narrow, wide] = [baseBytes(CONFIG_3B, 'nf4', 'bf16'), baseBytes(CONFIG_3B, 'nf4', 'f32')];
    expect(wide.language - narrow.language).toBe(622_329_856);
    expect(wide.tower - narrow.tower).toBe(3_010_560);
    const peaks = [budgetOf(6), budgetOf(6, { tables: 'f32' })].map((budget) => budget.peaks.encode);
    expect(peaks[1]! - peaks[0]!).toBeGreaterThan(6e8);
  });

  it('is quantized where 16 bits leave no room for the activations that the recipe keeps', () => {
    const workload = { ...LOAD_3B, sftTokens: 1600, grpoTokens: 0 };
    const chosen = (checkpointing: boolean) =>
      budgetOf(16, { workload, recipe: recipeOf(checkpointing) }).decisions.storage;
    expect(chosen(true)).toBe('bf16');
    expect(chosen(false)).toBe('nf4');
  });

  it.each([6, 8, 12, 16, 24])('stays below the figure at every stage, on %d GB', (gigabytes) => {
    const { peaks, usable, fits } = budgetOf(gigabytes);
    expect(fits).toBe(true);
    expect(Math.max(...Object.values(peaks))).toBeLessThanOrEqual(usable);
    expect(usable).toBeLessThan(gigabytes * GIB);
  });

  it('cuts a micro-batch that does not fit into parts', () => {
    const small = budgetOf(6, { workload: { ...LOAD_3B, sftTokens: 16 * 600 } });
    const large = budgetOf(24, { workload: { ...LOAD_3B, sftTokens: 16 * 600 } });
    expect(small.decisions.sft.tokensTogether).toBeLessThan(16 * 600);
    expect(small.decisions.sft.tokensTogether).toBeGreaterThan(600);
    expect(small.peaks.sft).toBeLessThanOrEqual(small.usable);
    expect(large.decisions.sft.tokensTogether).toBe(MOST.tokensTogether);
  });

  it('keeps more layers the more memory there is, and fills it', () => {
    const kept = [6, 8, 12, 16, 24].map(
      (gigabytes) => budgetOf(gigabytes, { storages: ['nf4'] }).decisions.sft.keptLayers,
    );
    expect(kept).toEqual([...kept].sort((a, b) => a - b));
    expect(kept.at(-1)).toBe(36);
    expect(kept[2]).toBeGreaterThan(kept[0]!);
  });

  it('never makes a tensor that the device cannot bind', () => {
    const limits = { maxBufferSize: 2 ** 28, maxStorageBufferBindingSize: 2 ** 27 };
    const { decisions } = budgetOf(24, { limits });
    const widestRow = 2 * 11_008 * 4;
    for (const tokens of [decisions.prefillTokens, decisions.scoreTokens, decisions.sft.tokensTogether]) {
      expect(tokens * widestRow).toBeLessThanOrEqual(2 ** 27);
    }
    expect(decisions.sequencesTogether * 151_936 * 4).toBeLessThanOrEqual(2 ** 27);
    expect(decisions.headChunkBytes).toBeLessThanOrEqual(2 ** 27);
    expect(decisions.cacheRows * 2 * 2 * 128 * 4).toBeLessThanOrEqual(2 ** 27);
  });

  it('says that it does not fit where even the smallest pieces do not', () => {
    expect(budgetOf(2).fits).toBe(false);
  });
});

describe('noted decisions', () => {
  it('are read as they were written', () => {
    const { decisions } = budgetOf(6);
    expect(readDecisions(JSON.parse(JSON.stringify(decisions)))).toEqual(decisions);
  });

  it.each([
    [null, 'setup.decisions '],
    [{ storage: 'q2' }, 'setup.decisions.storage'],
    [{ cacheRows: 0 }, 'setup.decisions.cacheRows'],
    [{ patchesTogether: 2.5 }, 'setup.decisions.patchesTogether'],
    [{ features: { host: 1 } }, 'setup.decisions.features.disk'],
    [{ sft: { tokensTogether: 1, keptLayers: -1 } }, 'setup.decisions.sft.keptLayers'],
  ])('that no run can have made are refused by name: %j', (change, place) => {
    const noted = change && { ...budgetOf(6).decisions, ...change };
    const message = expect.stringContaining(place) as string;
    expect(() => readDecisions(noted)).toThrow(expect.objectContaining({ code: 'checkpoint.broken', message }));
  });
});
