// @vitest-environment node
import { describe, expect, it } from 'vitest';
import { permutation, uniformArray } from '../base/random';
import { packBins } from './packBins';
import trl from './trlBins.json';

describe('packBins', () => {
  it.each(trl.cases.map((of) => ({ ...of, count: of.lengths.length })))(
    "makes TRL's packs: $count examples, budget $budget",
    ({ lengths, budget, bins }) => {
      expect(packBins(lengths, budget)).toEqual(bins);
    },
  );

  it('puts each example into one pack within the budget, for ten thousand of them', () => {
    const budget = 2048;
    const lengths = Array.from(uniformArray(10_000, 20, 1500, [1, 2]), Math.floor);
    const packs = packBins(lengths, budget);
    expect(packs.flat().sort((a, b) => a - b)).toEqual(lengths.map((_, i) => i));
    const sums = packs.map((pack) => pack.reduce((sum, i) => sum + lengths[i]!, 0));
    expect(Math.max(...sums)).toBeLessThanOrEqual(budget);
    // Best fit decreasing needs at most 11/9 of the fewest possible packs and four more (Johnson, 1973).
    const least = Math.ceil(sums.reduce((a, b) => a + b, 0) / budget);
    expect(packs.length).toBeLessThanOrEqual(Math.floor((11 / 9) * least) + 4);
  });

  it('needs as many packs whatever the order of the examples', () => {
    const lengths = Array.from(uniformArray(300, 1, 100, [3, 4]), Math.floor);
    const shuffled = Array.from(permutation(300, [5, 6]), (i) => lengths[i]!);
    const contents = (of: number[]) => packBins(of, 256).map((pack) => pack.map((i) => of[i]).join(' '));
    expect(contents(shuffled)).toEqual(contents(lengths));
  });

  it('gives no pack for no example', () => {
    expect(packBins([], 10)).toEqual([]);
  });

  it.each([
    { name: 'longer than the budget', lengths: [3, 11], budget: 10, message: /example 1 has 11 tokens.*budget of 10/ },
    { name: 'empty', lengths: [0], budget: 10, message: /example 0 has 0 tokens/ },
    { name: 'no budget', lengths: [], budget: 0, message: /budget is 0/ },
  ])('refuses: $name', ({ lengths, budget, message }) => {
    expect(() => packBins(lengths, budget)).toThrow(message);
  });
});
