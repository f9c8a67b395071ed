import { describe, expect, it } from 'vitest';
import { batchRandom } from './batchRandom';
import type { RewardBatch } from './reward';

const BATCH: RewardBatch = {
  completions: ['<answer>red</answer>', 'blue'],
  answers: ['red', 'red'],
  questions: ['Which colour?', 'Which colour?'],
  thoughts: ['', ''],
  lengths: [8, 2],
  maxCompletionLength: 16,
};
const draw = (count: number, batch: RewardBatch) => Array.from({ length: count }, batchRandom(batch));

describe('batchRandom', () => {
  it('repeats its numbers for the same batch and gives others when any part differs', () => {
    const numbers = draw(8, BATCH);
    expect(draw(8, structuredClone(BATCH))).toEqual(numbers);
    const changed = [
      { ...BATCH, completions: ['<answer>red</answer>', 'blve'] },
      { ...BATCH, completions: ['blue', '<answer>red</answer>'] },
      { ...BATCH, lengths: [8, 3] },
    ];
    for (const other of changed) for (const number of draw(8, other)) expect(numbers).not.toContain(number);
  });

  it('is uniform on [0, 1)', () => {
    const numbers = draw(20_000, BATCH);
    const bins = new Array<number>(20).fill(0);
    for (const number of numbers) bins[Math.floor(number * 20)]!++;
    expect(bins.reduce((sum, count) => sum + count, 0)).toBe(20_000);
    // Chi-square with 19 degrees of freedom; 43.8 is exceeded once in a thousand.
    expect(bins.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0)).toBeLessThan(43.8);
  });
});
