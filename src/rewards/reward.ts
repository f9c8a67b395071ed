// What a reward function is to the trainer and to evaluation. Implementations live beside this file.

/** Completions of one call with the true answer of each. */
export interface RewardBatch {
  completions: string[];
  answers: string[];
}

/** A reward function; `name` appears in metrics as `rewards/NAME/mean`. */
export interface Reward {
  readonly name: string;
  /** One number per completion; null where this reward does not apply (TRL's None). */
  score(batch: RewardBatch): Promise<(number | null)[]>;
}
