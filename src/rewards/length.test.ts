import { expect, it } from 'vitest';
import { lengthReward, lengthRewardFunction } from './length';

// [maxLength, [length, reward]...]: get_soft_overlong_punishment(maxLength, round(maxLength / 5)) of TRL 1.16.
const TRL: [number, [number, number][]][] = [
  [
    1,
    [
      [0, 0],
      [1, 0],
      [2, -1],
    ],
  ],
  [
    2,
    [
      [1, 0],
      [2, 0],
      [3, -1],
    ],
  ],
  [
    3,
    [
      [2, 0],
      [3, -1],
      [4, -1],
    ],
  ],
  [
    7,
    [
      [5, 0],
      [6, 0],
      [7, -1],
      [8, -1],
    ],
  ],
  [
    40,
    [
      [0, 0],
      [31, 0],
      [32, 0],
      [33, -0.125],
      [39, -0.875],
      [40, -1],
      [41, -1],
    ],
  ],
  [
    128,
    [
      [101, 0],
      [102, 0],
      [103, -0.038461538461538464],
      [127, -0.9615384615384616],
      [128, -1],
      [129, -1],
    ],
  ],
  [
    100,
    [
      [79, 0],
      [80, 0],
      [81, -0.05],
      [99, -0.95],
      [100, -1],
      [101, -1],
    ],
  ],
];

it.each(TRL)('punishes near a limit of %i tokens as TRL does', (maxLength, cases) => {
  for (const [length, want] of cases) expect(lengthReward(length, maxLength), `${length} tokens`).toBe(want);
});

it('is the reward named length, one number per completion', async () => {
  expect(await lengthRewardFunction.score({ lengths: [33, 3], maxCompletionLength: 40 })).toEqual([-0.125, 0]);
  expect(lengthRewardFunction.name).toBe('length');
});
