// Where a training stage stands between two optimizer steps: with the adapter and its moments, all that a resumed run
// needs. Randomness needs no state: every draw is a function of seed and counters.

import type { FloatPieces } from '../base/floatSource';
import type { Rollout } from './rolloutTypes';

export interface StageState {
  /** Optimizer steps done. */
  step: number;
  /** Tokens seen, as TRL's num_tokens counts them. */
  numTokens: number;
  /** The evaluation after `step` is due and was not finished. */
  evaluationDue: boolean;
  /** Evaluations judged so far, those without a figure among them. */
  evaluations: number;
  /** The best evaluation so far, by metric_for_best_model. */
  best: { value: number; step: number } | null;
  /** Evaluations in a row that did not improve, or had no figure to say so. */
  badEvaluations: number;
  /** The adapter of `best`, in the flat layout; kept with load_best_model_at_end only. */
  bestWeights: FloatPieces | null;
  /** The frozen copy that GRPO measures KL against (reference: start). */
  referenceWeights: FloatPieces | null;
  /** The rollout that the next step still uses; null between rollouts. */
  rollout: Rollout | null;
}

/** A stage that has not begun. */
export function newStage(): StageState {
  return {
    step: 0,
    numTokens: 0,
    evaluationDue: false,
    evaluations: 0,
    best: null,
    badEvaluations: 0,
    bestWeights: null,
    referenceWeights: null,
    rollout: null,
  };
}
