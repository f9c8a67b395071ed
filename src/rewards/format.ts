// The recipe's format reward and the answer it reads from a completion. Exact on every Unicode text: the
// definition is Python code with `re`, so the patterns below spell out what Python's classes and flags mean.

import { PYTHON_SPACE, pythonStrip } from '../text/pythonStrip';
import { pythonRound, pythonSplit } from './pythonText';
import type { AnswerBatch, Reward } from './reward';

// Flags `iu` fold U+017F to s and U+212A to k like Python's IGNORECASE; Python also folds U+0130 and U+0131 to i.
const LETTER = '[a-z\\u0130\\u0131]';
const WORD = '[\\p{L}\\p{N}_]';

const THOUGHT = /<thought>[^]*?<\/thought>/iu;
const ANSWER_BLOCK = /<answer>[^]*?<\/answer>/iu;
// Python's `$` also matches before a final newline; its dot excludes only the newline.
const ANSWER = /<answer>([^\n]*?)(?:<\/answer>|(?=\n?$))/iu;
const INNER_TAG = /<[^>]+>/gu;
const OTHER_TAG = new RegExp(`<[${PYTHON_SPACE}]*(?!\\/?(?:thought|answer)(?!${WORD}))${LETTER}[^>]*>`, 'iu');

/** The text embedded when a completion has no answer. */
export const INVALID_ANSWER = 'invalid';

function answerSpan(completion: string): string | null {
  return ANSWER.exec(completion)?.[1] ?? null;
}

function removeAll(pattern: RegExp, text: string): string {
  return text.replace(new RegExp(pattern.source, `${pattern.flags}g`), '');
}

/**
 * The format reward of one completion: 1, times 0.3 if a closed thought or answer block is missing, times 0.5 unless
 * the answer has one or two words, times 0.7 for text outside the blocks, times 0.7 for any other tag.
 * @returns 0.105 to 1, rounded to 4 places
 * Source: the rewards of the MMHERC recipe; equal on every completion of the reference (rewards/format.json).
 */
export function formatReward(completion: string): number {
  const hasBlocks = THOUGHT.test(completion) && ANSWER_BLOCK.test(completion);
  const span = answerSpan(completion);
  const words = span === null ? 0 : pythonSplit(pythonStrip(span).replace(INNER_TAG, '')).length;
  let reward = hasBlocks ? 1 : 0.3;
  if (words < 1 || words > 2) reward *= 0.5;
  if (hasBlocks && pythonStrip(removeAll(ANSWER_BLOCK, removeAll(THOUGHT, completion))) !== '') reward *= 0.7;
  if (OTHER_TAG.test(completion)) reward *= 0.7;
  return pythonRound(reward, 4);
}

/** The first two words of the answer, lower case, only `[a-zA-Z0-9 ]`; `invalid` when nothing is left. */
export function predictedAnswer(completion: string): string {
  const span = answerSpan(completion);
  if (span === null) return INVALID_ANSWER;
  const words = pythonSplit(pythonStrip(span).toLowerCase().replace(INNER_TAG, ''));
  return (
    words
      .slice(0, 2)
      .join(' ')
      .replace(/[^a-zA-Z0-9 ]/gu, '') || INVALID_ANSWER
  );
}

/** Whether the completion has exactly the asked form (format reward 1). */
export function isInForm(completion: string): boolean {
  return formatReward(completion) === 1;
}

/** The format reward as the trainer calls it. */
export const formatRewardFunction: Reward<AnswerBatch> = {
  name: 'format',
  score: async ({ completions }) => completions.map(formatReward),
};
