// Columns of a run for the charts: every metric over the common axis, raw and smoothed. Pure, cached per view.

import { formatCompliance, metricOf, rewardNames, smooth, xOfPoint, type AxisMode } from '../store/series';
import type { RunView, StepPoint } from '../store/runView';

export interface Column {
  raw: (number | null)[];
  smooth: (number | null)[];
}

/** A run's steps as columns of equal length. */
export interface RunData {
  view: RunView;
  mode: AxisMode;
  x: number[];
  /** Position of the border between SFT and GRPO; null while there is none in sight. */
  border: number | null;
  /** End of the axis: planned steps, or the seconds so far. */
  end: number;
  rewards: string[];
  column(name: ColumnName): Column;
}

export type ColumnName =
  | 'reward'
  | 'rewardStd'
  | 'format'
  | 'loss'
  | 'kl'
  | 'gradNorm'
  | 'learningRate'
  | 'stepSeconds'
  | 'generateSeconds'
  | 'zeroVariance'
  | 'meanLength'
  | 'minLength'
  | 'maxLength'
  | 'clipped'
  | 'entropy'
  | 'clipRatio'
  | 'tokenAccuracy'
  | `reward:${string}`;

const GRPO_METRICS: Partial<Record<ColumnName, string[]>> = {
  reward: ['reward'],
  rewardStd: ['reward_std'],
  kl: ['kl'],
  zeroVariance: ['frac_reward_zero_std'],
  meanLength: ['completions/mean_length'],
  minLength: ['completions/min_length'],
  maxLength: ['completions/max_length'],
  clipped: ['completions/clipped_ratio'],
  clipRatio: ['clip_ratio/region_mean'],
  generateSeconds: ['seconds/generate', 'profiling/generate'],
};

const SHARED_METRICS: Partial<Record<ColumnName, string[]>> = {
  gradNorm: ['grad_norm'],
  learningRate: ['learning_rate'],
  entropy: ['entropy'],
};

/** Gathers a view's columns; each is computed at first use. */
export function runData(view: RunView, mode: AxisMode): RunData {
  const cache = new Map<ColumnName, Column>();
  const x = view.points.map((point) => xOfPoint(view, mode, point));
  const lastX = x[x.length - 1] ?? 0;
  const elapsed = (view.lastTime - view.startedAt - view.pausedMs) / 1000;
  const planned = (view.planned.sft ?? 0) + (view.planned.grpo ?? 0);
  return {
    view,
    mode,
    x,
    border: borderOf(view, mode),
    end: mode === 'step' ? Math.max(planned, lastX, 1) : Math.max(elapsed, lastX, 1),
    rewards: rewardNames(view.points),
    column(name) {
      const known = cache.get(name);
      if (known) return known;
      const column = makeColumn(view, name);
      cache.set(name, column);
      return column;
    },
  };
}

function borderOf(view: RunView, mode: AxisMode): number | null {
  const { sft, grpo } = view.planned;
  if (mode === 'step') return sft !== null && sft > 0 && grpo !== 0 ? sft : null;
  const first = view.evaluations.find((point) => point.when === 'after_sft');
  return first && view.planned.sft !== 0 ? (first.time - view.startedAt) / 1000 : null;
}

function makeColumn(view: RunView, name: ColumnName): Column {
  const read = readerOf(view, name);
  const raw = view.points.map((point, i) => read(point, view.points[i - 1]));
  const shared = SHARED_METRICS[name] !== undefined;
  return { raw, smooth: shared ? smoothByStage(view.points, raw) : smooth(raw) };
}

/** Smooths each stage by itself: the first GRPO value is not a continuation of the last SFT value. */
function smoothByStage(points: readonly StepPoint[], raw: readonly (number | null)[]): (number | null)[] {
  const border = points.findIndex((point) => point.stage === 'grpo');
  if (border <= 0) return smooth(raw);
  return [...smooth(raw.slice(0, border)), ...smooth(raw.slice(border))];
}

type Reader = (point: StepPoint, before?: StepPoint) => number | null;

/** How a column's value is read from a point; decided once, because there may be thousands. */
function readerOf(view: RunView, name: ColumnName): Reader {
  if (name === 'format') return (point) => formatCompliance(view, point);
  if (name === 'stepSeconds') return stepSeconds;
  if (name === 'loss') return ofStageOnly('sft', 'loss');
  if (name === 'tokenAccuracy') return ofStageOnly('sft', 'mean_token_accuracy');
  if (name.startsWith('reward:')) return ofStageOnly('grpo', `rewards/${name.slice('reward:'.length)}/mean`);
  const shared = SHARED_METRICS[name];
  if (shared) return (point) => metricOf(point, ...shared);
  return ofStageOnly('grpo', ...(GRPO_METRICS[name] ?? []));
}

function ofStageOnly(stage: StepPoint['stage'], ...names: string[]): Reader {
  return (point) => (point.stage === stage ? metricOf(point, ...names) : null);
}

function stepSeconds(point: StepPoint, before?: StepPoint): number | null {
  const reported = metricOf(point, 'step_time');
  if (reported !== null) return reported;
  return before && before.stage === point.stage ? (point.time - before.time) / 1000 : null;
}

/** A shared column with the values of one stage only, so that no line joins the stages. */
export function ofStage(data: RunData, column: Column, stage: StepPoint['stage']): Column {
  const keep = (values: (number | null)[]): (number | null)[] =>
    values.map((value, i) => (data.view.points[i]?.stage === stage ? value : null));
  return { raw: keep(column.raw), smooth: keep(column.smooth) };
}

/** The newest value of a column; null while there is none. */
export function latest(values: readonly (number | null)[]): number | null {
  return values.findLast((value) => value !== null) ?? null;
}

/** The value at the step nearest to a position, where the column has one. */
export function valueNear(data: RunData, values: readonly (number | null)[], position: number): number | null {
  let best: number | null = null;
  let distance = Infinity;
  data.x.forEach((x, i) => {
    const value = values[i] ?? null;
    if (value !== null && Math.abs(x - position) < distance) {
      best = value;
      distance = Math.abs(x - position);
    }
  });
  return best;
}
