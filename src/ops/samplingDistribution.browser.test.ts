// The tokens that the sampler draws against the float64 processors' probabilities, by chi-square tests. The draws are
// fixed by their keys, so a test that passes once passes always; a right sampler fails for one choice in 10,000.

import { describe, expect, it } from 'vitest';
import { VARIANTS, withGpu, type GpuBench } from '../gpu/testGpu';
import { samplingProbabilities } from './cpuReference/logitsProcessors';
import type { SamplingOptions } from './sampling';
import { chiSquarePValue } from './testing/chiSquare';
import { drawTokens, KEY, PLAIN, type DrawOptions } from './testing/drawTokens';
import { testValues } from './testValues';

const LEAST_P = 1e-4;
/** Draws of a wrong setting are refused almost surely from here on: the bound is below 40 for up to 11 degrees. */
const CLEAR_STATISTIC = 80;
const KEYS: [number, number][] = [KEY, [1, 2], [0xdeadbeef, 0]];
const VOCABULARY = 12;
const logits = testValues(VOCABULARY, 5, -2, 2);
/** Ids of the prompt: likely ones and unlikely ones, with logits of both signs. */
const seen = [0, 3, 3, 7, 11];

function countsOf(tokens: readonly number[], cells: number): number[] {
  const counts = new Array<number>(cells).fill(0);
  for (const token of tokens) counts[token]!++;
  return counts;
}

function expected(options: DrawOptions): Float64Array {
  return samplingProbabilities(logits, options.seen ?? [], options);
}

/** About what Pearson's statistic against `other` comes to when the draws follow `right`. */
function expectedStatistic(right: Float64Array, other: Float64Array, draws: number): number {
  return right.reduce((sum, p, v) => (p === other[v] ? sum : sum + (draws * (p - other[v]!) ** 2) / other[v]!), 0);
}

/** Each option, and beside it a setting close by that the same draws must refuse. */
const CASES: { name: string; options: DrawOptions; wrong: Partial<SamplingOptions> }[] = [
  { name: 'nothing', options: PLAIN, wrong: { temperature: 1.6 } },
  { name: 'a low temperature', options: { ...PLAIN, temperature: 0.6 }, wrong: { temperature: 0.8 } },
  { name: 'a high temperature', options: { ...PLAIN, temperature: 1.8 }, wrong: { temperature: 1.1 } },
  { name: 'top-k', options: { ...PLAIN, topK: 5 }, wrong: { topK: 4 } },
  { name: 'top-p', options: { ...PLAIN, topP: 0.7 }, wrong: { topP: 0.5 } },
  { name: 'min-p', options: { ...PLAIN, minP: 0.2 }, wrong: { minP: 0.4 } },
  {
    name: 'repetition penalty',
    options: { ...PLAIN, repetitionPenalty: 2.2, seen },
    wrong: { repetitionPenalty: 1 },
  },
  {
    name: 'all of them',
    options: { temperature: 0.9, topK: 9, topP: 0.95, minP: 0.03, repetitionPenalty: 1.3, seen },
    wrong: { topP: 0.8 },
  },
];

describe.each(VARIANTS)('the sampler draws tokens as often as their probabilities say, %s kernels', (variant) => {
  // 64 lanes with barriers are slow on a software adapter, and top-k and top-p search for their threshold.
  const countOf = ({ topK, topP }: SamplingOptions): number =>
    variant === 'software' ? 2500 : topK > 0 || topP < 1 ? 200 : 800;

  it.each(CASES)('with $name, and its draws refuse another setting', async ({ options, wrong }) => {
    const count = countOf(options);
    const right = expected(options);
    const other = expected({ ...options, ...wrong });
    expect(expectedStatistic(right, other, KEYS.length * count)).toBeGreaterThan(CLEAR_STATISTIC);
    await withGpu(variant, async (bench) => {
      const tokens: number[] = [];
      for (const key of KEYS) tokens.push(...(await drawTokens(bench, logits, count, { ...options, key })).flat());
      const counts = countsOf(tokens, VOCABULARY);
      expect(chiSquarePValue(counts, right)).toBeGreaterThan(LEAST_P);
      expect(chiSquarePValue(counts, other)).toBeLessThan(LEAST_P);
    });
  });

  /** Counts of pairs (first, second token). */
  async function pairCounts(bench: GpuBench, row: number[], options: DrawOptions): Promise<number[]> {
    const pairs = await drawTokens(bench, row, countOf(options), { ...options, steps: 2 });
    return countsOf(
      pairs.map(([a = NaN, b = NaN]) => row.length * a + b),
      row.length ** 2,
    );
  }

  it('with a penalty on what was drawn before, and independently of it without', async () => {
    const row = [0.8, -0.6, 0.3, 1.2];
    const jointOf = (penalty: number): number[] => {
      const options = { repetitionPenalty: penalty };
      const first = samplingProbabilities(row, [], options);
      return row.flatMap((_, a) => Array.from(samplingProbabilities(row, [a], options), (p) => first[a]! * p));
    };
    await withGpu(variant, async (bench) => {
      const plain = await pairCounts(bench, row, PLAIN);
      const penalised = await pairCounts(bench, row, { ...PLAIN, repetitionPenalty: 2 });
      expect(chiSquarePValue(plain, jointOf(1))).toBeGreaterThan(LEAST_P);
      expect(chiSquarePValue(penalised, jointOf(2))).toBeGreaterThan(LEAST_P);
      expect(chiSquarePValue(penalised, jointOf(1))).toBeLessThan(LEAST_P);
    });
  });
});
