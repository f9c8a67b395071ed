// What a reward function is to the trainer and to evaluation. Implementations live beside this file.

import { check } from '../base/errors';

/** Completions of one call, and per completion what its row says. All arrays have one entry per completion. */
export interface RewardBatch {
  /** Decoded, special tokens skipped. */
  completions: string[];
  answers: string[];
  questions: string[];
  thoughts: string[];
  /** Tokens, the end token included. */
  lengths: number[];
  maxCompletionLength: number;
}

/** The part of a batch that compares a completion with the true answer. */
export type AnswerBatch = Pick<RewardBatch, 'completions' | 'answers'>;

/** A reward function; `name` appears in metrics as `rewards/NAME/mean`. */
export interface Reward<Batch extends Partial<RewardBatch> = RewardBatch> {
  readonly name: string;
  /**
   * One number per completion; null where this reward does not apply (TRL's None).
   * @throws reward.* with the reward's name and, where one is at fault, the completion's index
   */
  score(batch: Batch): Promise<(number | null)[]>;
  /** Frees what it holds (a worker); left out: nothing. */
  dispose?(): void;
}

/**
 * One score per completion, null where the reward has none.
 * @throws reward.count when there are fewer or more, and what the reward throws
 */
export async function scoresOf(reward: Reward, batch: RewardBatch): Promise<(number | null)[]> {
  const scores = await reward.score(batch);
  const [found, expected] = [scores.length, batch.completions.length];
  const message = `Reward "${reward.name}" gave ${found} scores for ${expected} completions.`;
  check(found === expected, 'reward.count', message, 'This is a fault of the reward.');
  return scores;
}
