// @vitest-environment node
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { repeatSamplerOrder, torchGenerator, torchPermutation, trainerEpochOrder } from './torchRandom';
import cases from './torchOrders.json';

/** As the script writes orders: itself when short, else a hash. */
function short(order: Uint32Array): number[] | string {
  if (order.length <= 100) return Array.from(order);
  return createHash('sha256').update(Array.from(order).join(',')).digest('hex');
}

describe('torchPermutation', () => {
  it.each(cases.permutations)('equals torch.randperm twice in a row: seed $seed, n = $count', (want) => {
    const generator = torchGenerator(want.seed);
    const calls = [1, 2].map(() => short(torchPermutation(generator, want.count)));
    expect(calls).toEqual(want.calls);
  });

  it('takes the lowest 32 bits of a seed', () => {
    expect(torchPermutation(torchGenerator(2 ** 32 + 5), 20)).toEqual(torchPermutation(torchGenerator(5), 20));
  });
});

describe('trainerEpochOrder', () => {
  it('is the order in which a real Trainer visited its rows', () => {
    const { rows, seed, epochs } = cases.trainer;
    expect(epochs.map((_, epoch) => Array.from(trainerEpochOrder(rows, seed, epoch)))).toEqual(epochs);
  });

  it.each(cases.sampler)("equals accelerate's sampler: $rows rows, seed $seed", ({ rows, seed, epochs }) => {
    expect(epochs.map((_, epoch) => short(trainerEpochOrder(rows, seed, epoch)))).toEqual(epochs);
  });

  it('adds seed and epoch without rounding', () => {
    const seed = 2 ** 53 - 1;
    expect(trainerEpochOrder(50, seed, 2)).toEqual(torchPermutation(torchGenerator(1), 50));
  });
});

describe('repeatSamplerOrder', () => {
  it.each(cases.repeatSampler)("equals TRL's sampler: $rows rows, seed $seed", ({ rows, seed, passes }) => {
    expect(passes.map((_, pass) => short(repeatSamplerOrder(rows, seed, pass)))).toEqual(passes);
  });
});
