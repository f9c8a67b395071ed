// @vitest-environment node
// How the base is stored: by the recipe where it says, else by memory.

import { expect, it } from 'vitest';
import { CONFIG_3B } from '../model/testing/config3b';
import { zeroWeights } from '../model/testing/zeroWeights';
import { defaultRecipe } from '../recipe/defaultRecipe';
import type { Recipe } from '../recipe/config';
import { decideBudget, decisionsOfOlderRun, plainStorage, storageOptions } from './decide';

const limits = { maxBufferSize: 2 ** 31, maxStorageBufferBindingSize: 2 ** 31 } as GPUSupportedLimits;
const rows = { sft: [], grpo: [], validation: [], leftOut: [], nearest: null, misfits: [] };

function decide(options: Partial<Recipe>, adapterClass: 'gpu' | 'software' = 'gpu', gigabytes = 24) {
  const recipe = { ...defaultRecipe, ...options };
  const weights = zeroWeights(CONFIG_3B);
  const info = { adapterClass, limits };
  const gpuBytes = gigabytes * 2 ** 30;
  const { decisions } = decideBudget({ config: CONFIG_3B, weights, recipe, rows, info, gpuBytes });
  return { storage: decisions.storage, options: storageOptions(decisions, recipe) };
}

it('keeps the base as it is stored where that fits, and in 4 bits where it does not', () => {
  expect(decide({})).toEqual({ storage: 'bf16', options: { dtype: 'auto', nf4: null } });
  expect(decide({}, 'gpu', 6)).toEqual({ storage: 'nf4', options: { dtype: 'auto', nf4: { doubleQuant: false } } });
});

it('widens to float32 where a CPU plays the GPU', () => {
  expect(decide({}, 'software')).toEqual({ storage: 'f32', options: { dtype: 'float32', nf4: null } });
});

it.each<[Partial<Recipe>, number, string]>([
  [{ load_in_4bit: true }, 24, 'nf4'],
  [{ load_in_4bit: false }, 4, 'bf16'],
  [{ dtype: 'float16', load_in_4bit: false }, 4, 'f16'],
  [{ dtype: 'float32' }, 24, 'f32'],
  [{ dtype: 'float32' }, 8, 'nf4'],
])('does what the recipe says: %j with %i GB', (options, gigabytes, storage) => {
  expect(decide(options, 'gpu', gigabytes).storage).toBe(storage);
});

it('rounds scales as the recipe says, and leaves what is not in 4 bits as dtype says', () => {
  const { options } = decide({ load_in_4bit: true, bnb_4bit_use_double_quant: true, dtype: 'bfloat16' });
  expect(options).toEqual({ dtype: 'bfloat16', nf4: { doubleQuant: true } });
});

it('goes on with 16 bits in a run that noted no decision', () => {
  const older = { config: CONFIG_3B, weights: zeroWeights(CONFIG_3B), recipe: defaultRecipe };
  expect(decisionsOfOlderRun({ ...older, info: { adapterClass: 'gpu', limits } }).storage).toBe('bf16');
});

it('counts tables beside 4 bits in the type that they lie in: the recipe’s, else the files’', () => {
  const tables = (dtype: Recipe['dtype'], file: 'F32' | 'BF16') =>
    plainStorage(zeroWeights(CONFIG_3B, file), { dtype });
  expect([tables('auto', 'BF16'), tables('auto', 'F32')]).toEqual(['bf16', 'f32']);
  expect([tables('float32', 'BF16'), tables('float16', 'F32')]).toEqual(['f32', 'f16']);
  const [narrow, wide] = (['bfloat16', 'float32'] as const).map((dtype) => {
    const recipe = { ...defaultRecipe, load_in_4bit: true, dtype };
    const info = { adapterClass: 'gpu', limits } as const;
    const known = { config: CONFIG_3B, weights: zeroWeights(CONFIG_3B), recipe, rows, info };
    return decideBudget({ ...known, gpuBytes: 24 * 2 ** 30 }).peaks.encode;
  });
  // 151936 x 2048 and 1280 x 1176 numbers of two bytes more.
  expect(wide! - narrow!).toBe(625_340_416);
});
