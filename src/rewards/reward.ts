// What a reward function is to the trainer and to evaluation. Implementations live beside this file.

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
