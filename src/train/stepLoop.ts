// The frame of a training stage: optimizer steps with a boundary before each, evaluations and checkpoints between.

import { readPieces, sourceOf } from '../base/floatSource';
import type { Gpu } from '../gpu/gpu';
import type { LoraAdapter } from '../model/lora';
import { hasStoppedImproving, judgeEvaluation, type EvalFigures } from './bestModel';
import type { OptimizerOptions } from '../recipe/config';
import type { Control } from './control';
import { gpuSource, uploadNumbers } from './gpuNumbers';
import { isEvaluationDue } from './schedule';
import type { StageState } from './stageState';

/** Where a stage's checkpoints go. */
export interface StageSaves {
  /** Commits a checkpoint of the stage as it is, or owes it. */
  save(best: boolean): Promise<void>;
  /** Whether a checkpoint that was due, here or at a boundary, could not be written. */
  owes(): boolean;
}

export interface StageFrame {
  steps: number;
  options: OptimizerOptions;
  gpu: Gpu;
  adapter: LoraAdapter;
  control: Control;
  /** Evaluates the adapter as it is; null without validation rows. */
  evaluate(step: number): Promise<EvalFigures | null>;
  saves: StageSaves;
  /** Called after each step with the number of steps done. */
  onStep(done: number): void;
}

/** Evaluates and judges; keeps the adapter if it is the best. Returns whether it is. */
async function evaluateStage(frame: StageFrame, state: StageState): Promise<boolean> {
  const { gpu, adapter, options } = frame;
  // The adapter is to be on the GPU as it is: the read below looks past what waits.
  if (options.load_best_model_at_end) await gpu.rec.submit();
  const figures = await frame.evaluate(state.step);
  const judged = { ...state };
  const better = judgeEvaluation(judged, figures, options);
  // Past the gate: nothing may hold the run up between the evaluation and its judgement.
  const held = true;
  if (better && options.load_best_model_at_end) {
    judged.bestWeights = await readPieces(gpuSource(gpu, adapter.weight, held));
  }
  Object.assign(state, judged, { evaluationDue: false });
  return better;
}

/**
 * Runs `takeStep` from `state.step` to the stage's end, which comes early when the evaluations stop improving; then
 * the best adapter is taken if that was asked for.
 * @param state updated after every step; consistent whenever a boundary is reached or something throws before an
 * update
 * A checkpoint that could not be written is tried again after every step.
 * @throws StopRequested at a boundary, and what `takeStep`, `evaluate` and `saves` throw
 */
export async function stepLoop(
  frame: StageFrame,
  state: StageState,
  takeStep: (step: number) => Promise<void>,
): Promise<void> {
  const { steps, options, control, saves } = frame;
  for (;;) {
    const best = state.evaluationDue && (await evaluateStage(frame, state));
    if (best && options.load_best_model_at_end) await saves.save(true);
    if (state.step >= steps || hasStoppedImproving(state, options)) break;
    await control.boundary();
    await takeStep(state.step);
    state.step++;
    state.evaluationDue = isEvaluationDue(state.step, steps, options);
    frame.onStep(state.step);
    // Before the evaluation: a kill during it then repeats no step.
    const isSaveDue = saves.owes() || (options.save_steps > 0 && state.step % options.save_steps === 0);
    if (isSaveDue && state.step < steps) await saves.save(false);
  }
  if (options.load_best_model_at_end && state.bestWeights) {
    await uploadNumbers(frame.gpu, frame.adapter.weight, sourceOf(state.bestWeights));
  }
}
