import { expect, it } from 'vitest';
import { groupAdvantages, type AdvantageInput } from './advantages';
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

// Made by running TRL 1.16's own lines (float32) on these rewards: advantages and frac_reward_zero_std.
const CORNERS: [string, Partial<AdvantageInput> & Pick<AdvantageInput, 'rewards'>, number[], number][] = [
  [
    'one completion per group',
    {
      numGenerations: 1,
      rewards: [
        [0.5, 1],
        [0.25, 0.25],
      ],
    },
    [0, 0],
    1,
  ],
  [
    'one completion per group, scaled by batch',
    {
      numGenerations: 1,
      scaleRewards: 'batch',
      rewards: [
        [0.5, 1],
        [0.25, 0.25],
      ],
    },
    [0, 0],
    0,
  ],
  ['a single completion, scaled by batch', { numGenerations: 1, scaleRewards: 'batch', rewards: [[0.5, 1]] }, [0], 1],
  [
    'a single completion, normalised first',
    { numGenerations: 1, aggregation: 'normalize_then_sum', rewards: [[0.5, 1]] },
    [0],
    1,
  ],
  [
    'one completion per group, normalised first',
    {
      numGenerations: 1,
      aggregation: 'normalize_then_sum',
      rewards: [
        [0.5, 1],
        [0.25, 0.25],
      ],
    },
    [0, 0],
    1,
  ],
  [
    'a row that nothing scored, unscaled',
    {
      scaleRewards: 'none',
      rewards: [
        [null, null],
        [0.5, null],
        [0, 0],
        [1, 0],
      ],
    },
    [0, 0, -0.5, 0.5],
    0,
  ],
  [
    'rewards without a spread, normalised first',
    {
      aggregation: 'normalize_then_sum',
      weights: [2, 1],
      rewards: [
        [null, null],
        [0.5, null],
        [null, 1],
        [1, 0],
      ],
    },
    [0, 0, 0.999858558177948, -0.999858558177948],
    0,
  ],
  [
    'a batch that nothing scored',
    {
      rewards: [
        [null, null],
        [null, null],
      ],
    },
    [0, 0],
    0,
  ],
  [
    'rewards of NaN, which count as null',
    {
      rewards: [
        [NaN, NaN],
        [NaN, NaN],
      ],
    },
    [0, 0],
    0,
  ],
];

it.each(CORNERS)('gives what TRL gives for %s', (_, input, advantages, zeroStd) => {
  const got = groupAdvantages({ ...base, names: [...base.names], ...input });
  expect(got.advantages).toHaveLength(advantages.length);
  got.advantages.forEach((value, i) => expect(value).toBeCloseTo(advantages[i]!, 6));
  expect(got.metrics.frac_reward_zero_std).toBe(zeroStd);
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
  expect(completionMetrics({ ...input, lengths: [0, 12, 3] })['completions/min_length']).toBe(0);
  const cut = completionMetrics({ ...input, terminated: [false, false, false] });
  expect(cut['completions/mean_terminated_length']).toBe(0);
});
