// Where a run stands: the station under way, that stage's state, and what the run has found so far.

import type { RunSummary, Stage } from '../protocol/messages';
import { STAGES } from '../protocol/messages';
import type { Recipe } from '../recipe/config';
import { newStage, type StageState } from '../train/stageState';

export interface RunProgress {
  stage: Stage;
  /** Of `stage`; evaluations between the stages do not use it. */
  state: StageState;
  /** Evaluations finished: part of their sampling key. */
  round: number;
  summary: RunSummary;
}

/** The progress of a run that has not begun. */
export function newProgress(seed: number): RunProgress {
  const summary: RunSummary = {
    stepsSft: 0,
    stepsGrpo: 0,
    seconds: {},
    matmulGflops: 0,
    adapter: { r: 0, lora_alpha: 0, target_modules: [], parameters: 0, bytes: 0 },
    seed,
    complete: true,
  };
  return { stage: 'before', state: newStage(), round: 0, summary };
}

/** The stations of a run by this recipe, in order. */
export function stationsOf({ sft, grpo }: Recipe): Stage[] {
  return STAGES.filter((stage) => {
    if (stage === 'before') return true;
    return (stage === 'sft' || stage === 'after_sft' ? sft : grpo).max_steps !== 0;
  });
}

/** Whether neither steps nor another station follow on this one. */
export function isLastStation(recipe: Recipe, stage: Stage): boolean {
  return stationsOf(recipe).at(-1) === stage;
}
