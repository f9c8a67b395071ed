import { expect, it } from 'vitest';
import { isRightInAnyStyle, scoreCompletions } from './scorers';

const row = { answer: 'red', thought: 'The cup is red.' };

// Expected values are those of CPython 3.11 running `exact` and `lenient` of tools/demo/rewards.py.
it('accepts the answer in the tag, as the last words, or as the whole thought', () => {
  expect(isRightInAnyStyle('<answer>red</answer> or blue', row)).toBe(true);
  expect(isRightInAnyStyle('I think the cup is Red..', row)).toBe(true);
  expect(isRightInAnyStyle('<thought>x</thought>\nred', row)).toBe(true);
  expect(isRightInAnyStyle('There is none.', { answer: 'none', thought: 'x' })).toBe(true);
  expect(isRightInAnyStyle('the CUP\u0085is red', { answer: 'yes', thought: 'The cup is red.' })).toBe(true);
  expect(isRightInAnyStyle('red cup', row)).toBe(false);
  expect(isRightInAnyStyle('so\ufeffred', row)).toBe(false);
  expect(isRightInAnyStyle('red .', row)).toBe(true);
  expect(isRightInAnyStyle('red . .', row)).toBe(false);
});

it('takes an empty answer as right only for an empty text', () => {
  expect(isRightInAnyStyle('<answer></answer>', { answer: '', thought: 'x' })).toBe(true);
  expect(isRightInAnyStyle('red', { answer: '', thought: 'x' })).toBe(false);
});

it('averages over completions, and yes/no accuracy over yes/no rows', () => {
  const rows = [row, { answer: 'yes', thought: 'I see it.' }, { answer: 'no', thought: 'None.' }, row];
  const texts = [
    '<thought> a</thought>\n<answer>red</answer>',
    '<thought> a</thought>\n<answer>yes</answer>',
    '<answer>yes</answer>',
    'It is red',
  ];
  expect(scoreCompletions(rows, texts, [1, 1, 0.5, 0.25])).toEqual({
    formatCompliance: 0.5,
    accuracy: 0.5,
    accuracyAnyStyle: 0.75,
    yesNoAccuracy: 0.5,
    semanticReward: 0.6875,
    formatReward: (1 + 1 + 0.3 + 0.15) / 4,
    totalReward: (2 + 2 + 0.8 + 0.4) / 4,
  });
  expect(scoreCompletions([row], ['red'], [0]).yesNoAccuracy).toBeNull();
});
