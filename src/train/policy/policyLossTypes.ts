// What goes into the policy loss, in TRL's names, and what it makes of one row.

import type { GrpoOptions } from '../../recipe/config';

/** One completion. Arrays have one entry per token; all values are of the same temperature. */
export interface PolicySequence {
  logp: ArrayLike<number>;
  /** Log-probabilities at sampling time; null: the policy itself, detached (ratio 1, gradient kept). */
  old: ArrayLike<number> | null;
  /** Log-probabilities of the reference; null only with beta 0. */
  ref: ArrayLike<number> | null;
  entropy: ArrayLike<number>;
  /** 1 up to and including the first end token, else 0. */
  mask: ArrayLike<number>;
  advantage: number;
  /** Cut off by the length limit: masked out with `mask_truncated_completions`. */
  truncated?: boolean;
}

/** The part of a recipe's GRPO options that the loss reads. */
export type PolicyLossOptions = Pick<
  GrpoOptions,
  | 'loss_type'
  | 'beta'
  | 'epsilon'
  | 'epsilon_high'
  | 'use_bias_correction_kl'
  | 'delta'
  | 'importance_sampling_level'
  | 'mask_truncated_completions'
  | 'max_completion_length'
  | 'top_entropy_quantile'
  | 'entropy_coef'
  | 'sapo_temperature_pos'
  | 'sapo_temperature_neg'
  | 'vespo_k_pos'
  | 'vespo_lambda_pos'
  | 'vespo_k_neg'
  | 'vespo_lambda_neg'
>;

/** How the micro-batch lies in its optimizer step and generation batch. */
export interface Accumulation {
  gradientAccumulationSteps: number;
  stepsPerGeneration: number;
  /** Live tokens of the generation batch (after `mask_truncated_completions`). */
  itemsInBatch: number;
}

/** What a row's token terms share. */
export interface RowFacts {
  advantage: number;
  /** Sum over live tokens of log(policy / old), each clipped to [-20, 20]. */
  sumLogRatio: number;
  options: PolicyLossOptions;
}

/** A token's policy loss, its derivative by the ratio, and by its own logp with the ratio held. */
export interface Term {
  value: number;
  dRatio: number;
  dLogp: number;
}

/** @param ratio importance ratio of the token (level `token`) or of its sequence @param logp of the token */
export type TokenTerm = (ratio: number, logp: number) => Term;

/** All arrays have one entry per token. */
export interface PolicyRow {
  facts: RowFacts;
  mask: Float64Array;
  liveTokens: number;
  entropy: ArrayLike<number>;
  /** Importance ratios; at level `sequence` all are `sequenceRatio`. */
  ratios: Float64Array;
  /** exp of the mean log ratio over live tokens; 1 for a row without any. */
  sequenceRatio: number;
  /** The whole term: policy (entropy mask applied) plus beta times KL; 0 where masked. */
  value: Float64Array;
  /** KL after correction; 0 where masked. */
  kl: Float64Array;
  /** Derivative of the whole term by its ratio, and by its own logp with the ratio held. */
  dRatio: Float64Array;
  dLogp: Float64Array;
}
