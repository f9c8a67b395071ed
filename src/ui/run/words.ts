// The words for stages, phases and states. Pure.

import type { Phase, ProgressEvent, Stage } from '../../protocol/messages';
import type { RunView } from '../store/runView';
import { bytesText, count } from '../format';

export const STAGE_NAMES: Record<Stage, string> = {
  before: 'Before',
  sft: 'SFT',
  after_sft: 'After SFT',
  grpo: 'GRPO',
  after_grpo: 'Result',
};

export const PHASE_NAMES: Record<Phase, string> = {
  load: 'Load',
  encode: 'Encode',
  generate: 'Generate',
  score: 'Score',
  backward: 'Backward',
  update: 'Update',
  evaluate: 'Evaluate',
  save: 'Save',
};

const PHASE_VERBS: Record<Phase, string> = {
  load: 'Loading the model',
  encode: 'Encoding',
  generate: 'Generating',
  score: 'Scoring',
  backward: 'Backward',
  update: 'Updating the adapter',
  evaluate: 'Evaluating',
  save: 'Saving',
};

/** The phases of a stage, in the order in which a step goes through them. */
export function phasesOf(stage: Stage, seen: readonly Phase[]): Phase[] {
  const usual: Phase[] =
    stage === 'grpo' ? ['generate', 'score', 'backward', 'update'] : stage === 'sft' ? ['backward', 'update'] : [];
  if (usual.length > 0) return [...seen.filter((phase) => !usual.includes(phase)), ...usual];
  return seen.includes('evaluate') ? [...seen] : [...seen, 'evaluate'];
}

function amount({ done, total, unit }: ProgressEvent): string {
  if (total <= 0) return '';
  if (unit === 'bytes') return `, ${bytesText(done)} of ${bytesText(total)}`;
  return total === 1 ? '' : `, ${count(done)} of ${count(total)} ${unit}`;
}

/** Before a stage has reported anything. */
function firstWords(stage: Stage | null): string {
  if (stage === null) return 'Starting';
  return stage === 'sft' || stage === 'grpo' ? `${STAGE_NAMES[stage]} begins` : 'Evaluation begins';
}

function lastStep({ points }: RunView): string {
  const point = points[points.length - 1];
  return point ? ` after ${STAGE_NAMES[point.stage]} step ${point.step}` : '';
}

/** A place in a run: `SFT step 12`, `After SFT`. */
export function positionText({ stage, step }: { stage: Stage; step: number }): string {
  const name = STAGE_NAMES[stage];
  return stage === 'sft' || stage === 'grpo' ? `${name} step ${step}` : name;
}

/** What happens now, as one short sentence. */
export function phaseSentence(view: RunView): string {
  const { state, progress, stage } = view;
  const at = progress && progress.step > 0 && stage ? ` after ${STAGE_NAMES[stage]} step ${progress.step}` : '';
  switch (state) {
    case 'paused':
      return `Paused${at}`;
    case 'pausing':
      return 'Pausing';
    case 'stopping':
      return progress?.phase === 'save' ? 'Stopping: saving the adapter' : 'Stopping';
    case 'failed':
      return 'Stopped by an error';
    case 'interrupted':
      return `Interrupted${lastStep(view)}`;
    case 'elsewhere':
      return 'Under way in another tab';
    case 'finished':
      return 'Finished';
    case 'idle':
      return 'Waiting to start';
    case 'loading':
    case 'running':
      if (!progress || (stage && progress.stage !== stage)) return firstWords(stage);
      return PHASE_VERBS[progress.phase] + amount(progress);
  }
}
