// @vitest-environment node
import { expect, test } from 'vitest';
import type { Misfit } from './misfit';
import { nothingToTrain } from './rowFit';

const ROWS = [{ split: 'train' as const }, { split: 'train' as const }, { split: 'val' as const }];
const NEAREST: Misfit = { tokens: 30, pictureTokens: 16, limit: 20, limitedBy: 'max_prompt_length' };

test('data without a training row is said to have none, whatever its validation rows are', () => {
  const { message, hint } = nothingToTrain('mine', ROWS.slice(2), null);
  expect(message).toBe('"mine" has no row to train on: all its rows are for validation.');
  expect(hint).toBe('Add rows for training.');
});

test.each([
  ['max_prompt_length', 'prompt', 'Raise max_prompt_length, or use shorter texts or smaller pictures.'],
  ['max_length', 'row', 'Raise max_length, or use shorter texts or smaller pictures.'],
  ["the model's context", 'row', 'Use shorter texts or smaller pictures.'],
])(
  'where no training row fits %s, the sentence counts training rows and the hint is of that limit',
  (by, what, hint) => {
    const error = nothingToTrain('mine', ROWS, { ...NEAREST, limitedBy: by });
    const fit = `even the shortest ${what} has 30 tokens, 16 of them the picture's; ${by} is 20.`;
    expect(error).toMatchObject({
      code: 'data.empty',
      hint,
      message: `None of the 2 rows of "mine" can be trained on: ${fit}`,
    });
  },
);
