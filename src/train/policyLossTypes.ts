// What goes into the policy loss, in TRL's names, and TRL's defaults.

import type { GrpoOptions, LossType } from './config';

/** Loss types that the maths covers; `dapo` is TRL's default. */
export type PolicyLossType = LossType | 'dapo';

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

/** TRL's names. */
export interface PolicyLossOptions extends Pick<
  GrpoOptions,
  'beta' | 'epsilon' | 'epsilon_high' | 'use_bias_correction_kl'
> {
  loss_type: PolicyLossType;
  delta: number | null;
  importance_sampling_level: 'token' | 'sequence';
  mask_truncated_completions: boolean;
  top_entropy_quantile: number;
  entropy_coef: number;
}

/** TRL 1.16's defaults. */
export const POLICY_LOSS_DEFAULTS: PolicyLossOptions = {
  loss_type: 'dapo',
  beta: 0,
  epsilon: 0.2,
  epsilon_high: null,
  use_bias_correction_kl: true,
  delta: null,
  importance_sampling_level: 'token',
  mask_truncated_completions: false,
  top_entropy_quantile: 1,
  entropy_coef: 0,
};

/** How the micro-batch lies in its optimizer step and generation batch. */
export interface Accumulation {
  gradientAccumulationSteps: number;
  stepsPerGeneration: number;
  /** Live tokens of the generation batch (after `mask_truncated_completions`). */
  itemsInBatch: number;
}
