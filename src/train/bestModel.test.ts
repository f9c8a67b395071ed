import { expect, it } from 'vitest';
import { hasStoppedImproving, judgeEvaluation, type EvalFigures } from './bestModel';
import { defaultRecipe } from '../recipe/defaultRecipe';
import { newStage, type StageState } from './stageState';

const options = { ...defaultRecipe.sft, early_stopping_patience: 2 };

function figures(values: Partial<EvalFigures>): EvalFigures {
  const none = { eval_loss: 1, eval_format_compliance: 0, eval_accuracy: 0 };
  return { ...none, eval_semantic_reward: 0, eval_format_reward: 0, eval_total_reward: 0, ...values };
}

/** Judges a series of evaluations, one per step. */
function judge(
  values: Partial<EvalFigures>[],
  given: Partial<typeof options>,
): { better: boolean[]; state: StageState } {
  const state = newStage();
  const better = values.map((value) => {
    state.step++;
    return judgeEvaluation(state, figures(value), { ...options, ...given });
  });
  return { better, state };
}

const losses = (...values: number[]) => values.map((eval_loss) => ({ eval_loss }));

it('takes the lowest loss as the best, and the highest of any other metric', () => {
  const byLoss = judge(losses(0.9, 0.7, 0.8), {});
  expect(byLoss.better).toEqual([true, true, false]);
  expect(byLoss.state.best).toEqual({ value: 0.7, step: 2 });
  const rewards = [{ eval_total_reward: 0.4 }, { eval_total_reward: 0.6 }, { eval_total_reward: 0.5 }];
  expect(judge(rewards, { metric_for_best_model: 'eval_total_reward' }).state.best).toEqual({ value: 0.6, step: 2 });
});

it('follows greater_is_better where it is given', () => {
  expect(judge(losses(0.9, 0.7, 0.95), { greater_is_better: true }).state.best).toEqual({ value: 0.95, step: 3 });
});

// As transformers' EarlyStoppingCallback: an equal value and an improvement up to the threshold both count as bad.
it('counts evaluations in a row that do not improve by more than the threshold, and starts again when one does', () => {
  expect(judge(losses(0.9, 0.9), {}).state.badEvaluations).toBe(1);
  expect(judge(losses(0.9, 0.85, 0.7), { early_stopping_threshold: 0.1 }).state.badEvaluations).toBe(0);
  const small = judge(losses(0.9, 0.85, 0.8), { early_stopping_threshold: 0.1 });
  expect(small.state.badEvaluations).toBe(2);
  // Too small to go on for, and yet the best so far.
  expect(small.state.best).toEqual({ value: 0.8, step: 3 });
  expect(hasStoppedImproving(small.state, options)).toBe(true);
  expect(hasStoppedImproving(small.state, { ...options, early_stopping_patience: null })).toBe(false);
});

it('never takes an evaluation without a figure for the best', () => {
  const { better, state } = judge([{ eval_loss: null }, ...losses(0.9, NaN)], {});
  expect(better).toEqual([false, true, false]);
  expect(state.best).toEqual({ value: 0.9, step: 2 });
});

// As EarlyStoppingCallback with NaN: after the first evaluation the best metric is infinite, and NaN never improves it.
it('counts a missing figure as no gain, but for the first evaluation, which has nothing to gain on', () => {
  const missing = { eval_loss: null };
  const bad = [1, 2, 3].map((n) => judge(new Array<typeof missing>(n).fill(missing), {}).state.badEvaluations);
  expect(bad).toEqual([0, 1, 2]);
  expect(judge([missing, missing, ...losses(0.9)], {}).state.badEvaluations).toBe(0);
  expect(judge([...losses(0.9), missing, missing], {}).state.badEvaluations).toBe(2);

  const state = newStage();
  for (let n = 0; n < 3; n++) expect(judgeEvaluation(state, null, options)).toBe(false);
  expect(hasStoppedImproving(state, options)).toBe(true);
});
