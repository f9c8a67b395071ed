// Judges evaluations: which is the best so far, and when a stage has stopped improving. Pure; knows no model.

import type { BestMetric, OptimizerOptions } from '../recipe/config';
import type { StageState } from './stageState';

type BestOptions = Pick<
  OptimizerOptions,
  'metric_for_best_model' | 'greater_is_better' | 'early_stopping_patience' | 'early_stopping_threshold'
>;

/** Figures of one evaluation by name; null: there was nothing to measure it on. */
export type EvalFigures = Record<BestMetric, number | null>;

/** Whether a figure is better than the best before it. */
function isBetter(value: number, best: number, options: BestOptions): boolean {
  const greater = options.greater_is_better ?? options.metric_for_best_model !== 'eval_loss';
  return greater ? value > best : value < best;
}

/**
 * Takes an evaluation into account. A missing figure is no gain: it is never the best, and patience counts it.
 * @param state `evaluations`, `best` and `badEvaluations` are updated
 * @param figures null when nothing could be evaluated
 * @returns true when it is the best so far (its adapter is worth keeping)
 * Source: transformers 5 `_determine_best_metric` and `EarlyStoppingCallback`. The callback sees the best before this
 * evaluation, so the first one of all never counts against patience, whatever its figure (a NaN there, as here null).
 */
export function judgeEvaluation(state: StageState, figures: EvalFigures | null, options: BestOptions): boolean {
  const value = figures?.[options.metric_for_best_model] ?? NaN;
  const { best } = state;
  const first = state.evaluations++ === 0 && best === null;
  const better = !Number.isNaN(value) && (best === null || isBetter(value, best.value, options));
  const gain = better && (best === null || Math.abs(value - best.value) > options.early_stopping_threshold);
  state.badEvaluations = first || gain ? 0 : state.badEvaluations + 1;
  if (better) state.best = { value, step: state.step };
  return better;
}

/** Whether the stage has gone on for too long without an improvement. */
export function hasStoppedImproving(state: StageState, options: BestOptions): boolean {
  return options.early_stopping_patience !== null && state.badEvaluations >= options.early_stopping_patience;
}
