// Judges evaluations: which is the best so far, and when a stage has stopped improving. Pure; knows no model.

import type { BestMetric, OptimizerOptions } from '../recipe/config';
import type { StageState } from './stageState';

type BestOptions = Pick<
  OptimizerOptions,
  'metric_for_best_model' | 'greater_is_better' | 'early_stopping_patience' | 'early_stopping_threshold'
>;

/** Figures of one evaluation by name. */
export type EvalFigures = Record<BestMetric, number>;

/**
 * Takes an evaluation into account.
 * @param state `best` and `badEvaluations` are updated
 * @returns true when it is the best so far (its adapter is worth keeping)
 * Source: transformers 5 `_determine_best_metric` and `EarlyStoppingCallback` (which sees the best before this one).
 */
export function judgeEvaluation(state: StageState, figures: EvalFigures, options: BestOptions): boolean {
  const value = figures[options.metric_for_best_model];
  const greater = options.greater_is_better ?? options.metric_for_best_model !== 'eval_loss';
  const { best } = state;
  // NaN (nothing to evaluate) is never better.
  const better = best === null ? !Number.isNaN(value) : greater ? value > best.value : value < best.value;
  const counts = best === null || (better && Math.abs(value - best.value) > options.early_stopping_threshold);
  state.badEvaluations = counts ? 0 : state.badEvaluations + 1;
  if (better) state.best = { value, step: state.step };
  return better;
}

/** Whether the stage has gone on for too long without an improvement. */
export function hasStoppedImproving(state: StageState, options: BestOptions): boolean {
  return options.early_stopping_patience !== null && state.badEvaluations >= options.early_stopping_patience;
}
