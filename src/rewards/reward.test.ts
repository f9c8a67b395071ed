import { expect, it } from 'vitest';
import { scoresOf, type Reward, type RewardBatch } from './reward';

const BATCH: RewardBatch = {
  completions: ['a', 'b'],
  answers: ['a', 'b'],
  questions: ['?', '?'],
  thoughts: ['', ''],
  lengths: [1, 1],
  maxCompletionLength: 8,
};

function giving(...scores: (number | null)[]): Reward {
  return { name: 'given', score: () => Promise.resolve(scores) };
}

it('takes one score per completion, none included', async () => {
  expect(await scoresOf(giving(1, null), BATCH)).toEqual([1, null]);
});

it('refuses another number of scores by the name of the reward', async () => {
  for (const reward of [giving(1), giving(1, 2, 3)]) {
    await expect(scoresOf(reward, BATCH)).rejects.toMatchObject({
      code: 'reward.count',
      message: expect.stringContaining('"given"') as string,
    });
  }
});
