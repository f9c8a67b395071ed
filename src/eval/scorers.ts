// Mean scores of completions against their rows. Pure: texts and semantic rewards are handed in.

import { isExact } from '../rewards/exactMatch';
import { formatReward } from '../rewards/format';
import { pythonSplit } from '../rewards/pythonText';
import { pythonStrip } from '../text/pythonStrip';

/** The part of a row that scoring looks at. */
export interface ScoredRow {
  answer: string;
  thought: string;
}

/** Means over completions; shares are 0 to 1. */
export interface CompletionScores {
  /** Completions whose format reward is 1. */
  formatCompliance: number;
  /** The answer in the tag is exactly the row's. */
  accuracy: number;
  /** The right answer in the tag, at the end of the text, or said as the row's thought. */
  accuracyAnyStyle: number;
  /** `accuracy` over rows whose answer is yes or no; null without such rows. */
  yesNoAccuracy: number | null;
  semanticReward: number;
  formatReward: number;
  totalReward: number;
}

function withoutFinalDots(text: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === '.') end--;
  return text.slice(0, end);
}

function sameWords(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((word, i) => word === b[i]);
}

/**
 * Whether the right answer is said in any style: in the tag, as the last words, or as the row's whole thought.
 * Source: `lenient` of tools/demo/rewards.py, with Python's rules for spaces.
 */
export function isRightInAnyStyle(text: string, row: ScoredRow): boolean {
  if (isExact(text, row.answer)) return true;
  const plain = pythonSplit(withoutFinalDots(pythonStrip(text.replace(/<[^>]*>/gu, ' ').toLowerCase())));
  const want = pythonSplit(row.answer.toLowerCase());
  // An empty answer takes the whole text in Python (`plain[-0:]`), so it is right only for an empty text.
  const tail = want.length === 0 ? plain : plain.slice(-want.length);
  return sameWords(tail, want) || sameWords(pythonSplit(withoutFinalDots(row.thought.toLowerCase())), plain);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/**
 * Scores completions.
 * @param rows the row of each completion (a row stands once per sample) @param texts completions, special tokens
 * skipped @param semantic semantic reward of each completion
 * @returns means; NaN for an empty list
 */
export function scoreCompletions(
  rows: readonly ScoredRow[],
  texts: readonly string[],
  semantic: readonly number[],
): CompletionScores {
  const format = texts.map(formatReward);
  const exact = texts.map((text, i) => Number(isExact(text, rows[i]!.answer)));
  const yesNo = exact.filter((_, i) => rows[i]!.answer === 'yes' || rows[i]!.answer === 'no');
  return {
    formatCompliance: mean(format.map((reward) => Number(reward === 1))),
    accuracy: mean(exact),
    accuracyAnyStyle: mean(texts.map((text, i) => Number(isRightInAnyStyle(text, rows[i]!)))),
    yesNoAccuracy: yesNo.length > 0 ? mean(yesNo) : null,
    semanticReward: mean(semantic),
    formatReward: mean(format),
    totalReward: mean(format.map((reward, i) => reward + semantic[i]!)),
  };
}
