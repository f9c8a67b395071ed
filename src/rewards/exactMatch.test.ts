import { expect, it } from 'vitest';
import { exactMatchReward, isExact } from './exactMatch';

// Expected values are those of CPython 3.11 running `exact` of tools/demo/rewards.py.
it('compares the answer in the tag with the lower-case answer, spaces kept', () => {
  expect(isExact('<answer>Red</answer>', 'RED')).toBe(true);
  expect(isExact('<answer>red</answer>', ' red')).toBe(false);
  expect(isExact('red', 'red')).toBe(false);
});

it('is the reward named exact_match: 1 or 0 for each completion and its own answer', async () => {
  const completions = ['<answer>red</answer>', '<answer>red</answer>', 'red', '<answer>two cups</answer>'];
  expect(await exactMatchReward.score({ completions, answers: ['Red', 'blue', 'red', 'two cups'] })).toEqual([
    1, 0, 0, 1,
  ]);
  expect(exactMatchReward.name).toBe('exact_match');
});
