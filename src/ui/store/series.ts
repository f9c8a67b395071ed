// Series for the charts, on one axis that SFT and GRPO share. Pure.

import type { Evaluation } from '../../protocol/messages';
import type { EvaluationPoint, RunView, StepPoint, GroupStep } from './runView';

export type AxisMode = 'step' | 'time';

/** TensorBoard's smoothing weight. */
export const SMOOTHING = 0.6;

/**
 * Exponential moving average as TensorBoard draws it: debiased, so that the first value is the first raw value.
 * Values that are not finite are passed over and come out as null.
 */
export function smooth(values: readonly (number | null)[], weight: number = SMOOTHING): (number | null)[] {
  let sum = 0;
  // weight ** n after n values.
  let power = 1;
  return values.map((value) => {
    if (value === null || !Number.isFinite(value)) return null;
    sum = sum * weight + (1 - weight) * value;
    power *= weight;
    return sum / (1 - power);
  });
}

/** Validation loss of an evaluation; null when there was nothing to measure it on (older logs have NaN there). */
export function evalLossOf({ evalLoss }: Pick<Evaluation, 'evalLoss'>): number | null {
  return evalLoss === null || Number.isNaN(evalLoss) ? null : evalLoss;
}

/** Step on the common axis: SFT steps first, GRPO steps after the planned SFT steps. */
export function stepOnAxis(view: Pick<RunView, 'planned'>, stage: StepPoint['stage'], step: number): number {
  return stage === 'sft' ? step : (view.planned.sft ?? 0) + step;
}

/** Where an evaluation lies on the common step axis. */
export function evaluationStep(view: Pick<RunView, 'planned'>, point: EvaluationPoint): number {
  if (point.stage === 'before') return 0;
  if (point.stage === 'sft') return point.step;
  const sft = view.planned.sft ?? 0;
  if (point.stage === 'after_sft') return sft;
  return sft + point.step;
}

/** Position of a step in the chosen axis: optimizer steps, or seconds that the run has worked. */
export function xOfPoint(view: RunView, mode: AxisMode, point: StepPoint): number {
  return mode === 'step' ? stepOnAxis(view, point.stage, point.step) : (point.time - view.startedAt) / 1000;
}

/** Position of an evaluation in the chosen axis. */
export function xOfEvaluation(view: RunView, mode: AxisMode, point: EvaluationPoint): number {
  return mode === 'step' ? evaluationStep(view, point) : (point.time - view.startedAt) / 1000;
}

/** Share of a GRPO step's completions in the wanted form: the reported metric, else counted from the groups. */
export function formatCompliance(view: Pick<RunView, 'groupSteps'>, point: StepPoint): number | null {
  if (point.stage !== 'grpo') return null;
  const reported = point.metrics['format_compliance'];
  if (reported !== undefined) return reported;
  const counted = groupStepAt(view, point.step);
  return counted && counted.completions > 0 ? counted.inForm / counted.completions : null;
}

/** What is known of a GRPO step's groups; null where it reported none. */
export function groupStepAt({ groupSteps }: Pick<RunView, 'groupSteps'>, step: number): GroupStep | null {
  let [low, high] = [0, groupSteps.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (groupSteps[middle]!.step < step) low = middle + 1;
    else high = middle;
  }
  const found = groupSteps[low];
  return found?.step === step ? found : null;
}

/** Value of the first of `names` that the step reports; null when none does. */
export function metricOf(point: StepPoint, ...names: string[]): number | null {
  for (const name of names) {
    const value = point.metrics[name];
    if (value !== undefined) return value;
  }
  return null;
}

/** NAME of every `rewards/NAME/mean` that the steps report, in order of appearance. */
export function rewardNames(points: readonly StepPoint[]): string[] {
  const last = points.findLast((point) => point.stage === 'grpo');
  return Object.keys(last?.metrics ?? {}).flatMap((key) => /^rewards\/(.+)\/mean$/.exec(key)?.[1] ?? []);
}

/** Steps done in a stage. */
export function stepsDone(points: readonly StepPoint[], stage: StepPoint['stage']): number {
  return points.findLast((point) => point.stage === stage)?.step ?? 0;
}

/** The evaluation taken at `when`, the newest if repeated. */
export function evaluationAt(
  view: Pick<RunView, 'evaluations'>,
  when: EvaluationPoint['when'],
): EvaluationPoint | null {
  return view.evaluations.findLast((point) => point.when === when) ?? null;
}

/** Sampled scores where there are some, else the greedy ones. */
export function headScores(point: EvaluationPoint): EvaluationPoint['result']['greedy'] {
  return point.result.sampled ?? point.result.greedy;
}

/** Milliseconds that the run has worked: pauses are left out. */
export function workedMs(view: RunView, now: number): number {
  if (view.startedAt === 0) return 0;
  const ended = ['finished', 'failed', 'idle', 'interrupted', 'elsewhere'].includes(view.state);
  const end = ended ? view.lastTime : (view.pausedSince ?? now);
  return Math.max(0, end - view.startedAt - view.pausedMs);
}
