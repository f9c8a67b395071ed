import { expect, it } from 'vitest';
import { groupAdvantages } from './advantages';
import { completionMetrics } from './groupMetrics';

// Every case of the reference's advantages.json is checked in verify/groups/grpoCpu.test.ts.
const base = { names: ['semantic', 'format'], weights: [1, 1], numGenerations: 2, scaleRewards: 'group' } as const;

it('reports totals, and mean and standard deviation per group', () => {
  const got = groupAdvantages({
    ...base,
    names: [...base.names],
    rewards: [
      [0.5, 1],
      [0.25, 0.25],
      [1, 1],
      [1, 1],
    ],
  });
  expect([...got.rewards]).toEqual([1.5, 0.5, 2, 2]);
  expect([...got.groupMean]).toEqual([1, 2]);
  expect(got.groupStd[0]).toBeCloseTo(Math.SQRT1_2, 12);
  expect(got.groupStd[1]).toBe(0);
  expect(got.fracRewardZeroStd).toBe(0.5);
  expect(got.advantages[0]).toBeCloseTo(0.5 / (Math.SQRT1_2 + 1e-4), 12);
  expect([...got.advantages.slice(2)]).toEqual([0, 0]);
});

it('gives advantage 0 to a completion that nothing could score and leaves it out of its group', () => {
  const rewards = [
    [null, null],
    [0.5, null],
    [0, 0],
    [1, 0],
  ];
  const got = groupAdvantages({ ...base, names: [...base.names], rewards });
  expect(got.advantages[0]).toBe(0);
  expect(got.advantages[1]).toBe(0);
  expect(got.rewards[0]).toBeNaN();
  expect(got.groupMean[0]).toBe(0.5);
});

it('refuses rows that fill no group and rows with a wrong number of rewards', () => {
  expect(() => groupAdvantages({ ...base, names: [...base.names], rewards: [[1, 1]] })).toThrow(/no multiple/);
  expect(() => groupAdvantages({ ...base, names: ['format'], rewards: [[1], [1]] })).toThrow(/as many weights/);
});

it('counts lengths as TRL: terminated apart from cut off, tokens with every prompt repeat', () => {
  const input = { lengths: [6, 12, 3], terminated: [true, false, true], promptLengths: [5, 5, 5], tokensBefore: 100 };
  expect(completionMetrics(input)).toEqual({
    num_tokens: 136,
    'completions/mean_length': 7,
    'completions/min_length': 3,
    'completions/max_length': 12,
    'completions/clipped_ratio': 1 / 3,
    'completions/mean_terminated_length': 4.5,
    'completions/min_terminated_length': 3,
    'completions/max_terminated_length': 6,
  });
  const cut = completionMetrics({ ...input, terminated: [false, false, false] });
  expect(cut['completions/mean_terminated_length']).toBe(0);
});
