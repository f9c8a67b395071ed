import { describe, expect, it } from 'vitest';
import { openTestFolder } from '../reference/testFolder';
import { formatReward, formatRewardFunction, isInForm, predictedAnswer } from './format';

interface FormatFile {
  cases: { completion: string; format_reward: number; prediction: string }[];
}

const folder = openTestFolder();

describe.each(folder.cases.filter((entry) => entry.kind === 'rewards'))('rewards case $id', (entry) => {
  it('equals the recipe on every completion: reward and predicted answer', async () => {
    const { cases } = (await folder.json(`${entry.path}/format.json`)) as FormatFile;
    const got = cases.map(({ completion }) => ({
      completion,
      format_reward: formatReward(completion),
      prediction: predictedAnswer(completion),
    }));
    expect(cases.length).toBeGreaterThan(0);
    expect(got).toEqual(cases);
  });
});

// Expected values below are those of CPython 3.11 running the rules of the reference.
it('folds letters as Python does: dotless and dotted i start a tag, a digit does not', () => {
  const blocks = '<thought>a</thought><answer>b</answer>';
  expect(formatReward(`<thought><\u0131></thought><answer>b</answer>`)).toBe(0.7);
  expect(formatReward(`<thought><\u0130x></thought><answer>b</answer>`)).toBe(0.7);
  expect(formatReward(`<thought><3></thought><answer>b</answer>`)).toBe(1);
  expect(formatReward(blocks)).toBe(1);
});

it('treats a tag name that goes on with any Unicode word character as another tag', () => {
  expect(formatReward('<thought><answer\u00e9></thought><answer>b</answer>')).toBe(0.7);
  expect(formatReward('<thought><answer\u00b2></thought><answer>b</answer>')).toBe(0.7);
  expect(formatReward('<thought><answer-></thought><answer>b</answer>')).toBe(1);
});

it('is the reward named format, one number per completion', async () => {
  const completions = ['', '<thought>a</thought><answer>b</answer>'];
  expect(await formatRewardFunction.score({ completions, answers: ['x', 'b'] })).toEqual([0.15, 1]);
  expect(formatRewardFunction.name).toBe('format');
  expect(completions.map(isInForm)).toEqual([false, true]);
});
