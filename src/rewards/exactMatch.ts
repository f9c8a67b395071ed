// Whether a completion answers exactly as its row does: a reward, and the accuracy of evaluation.

import { predictedAnswer } from './format';
import type { AnswerBatch, Reward } from './reward';

/** Whether the answer read from the tag equals the row's answer in lower case. */
export function isExact(completion: string, answer: string): boolean {
  return predictedAnswer(completion) === answer.toLowerCase();
}

/** The reward `exact_match`: 1 for the exact answer, else 0. */
export const exactMatchReward: Reward<AnswerBatch> = {
  name: 'exact_match',
  score: async ({ completions, answers }) => completions.map((text, i) => Number(isExact(text, answers[i]!))),
};
