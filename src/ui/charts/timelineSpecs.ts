// The three lanes of the timeline as chart specs: total reward, format compliance, SFT loss with KL.

import type { EvaluationPoint } from '../store/runView';
import { evalLossOf, headScores, xOfEvaluation } from '../store/series';
import { fixed, percent } from '../format';
import {
  fittedAxis,
  fixedAxis,
  type AxisSpec,
  type ChartSpec,
  type Ink,
  type LineSpec,
  type MarkSpec,
} from './chartSpec';
import { latest, type Column, type RunData } from './runData';

const WHEN: Record<EvaluationPoint['when'], string> = {
  before: 'before',
  after_sft: 'after SFT',
  after_grpo: '',
  during: '',
};

/** Text of an axis position: steps as they are, seconds as minutes. */
export function xText(data: RunData): (value: number) => string {
  if (data.mode === 'step') return (value) => String(Math.round(value));
  return (value) => (value < 60 ? `${Math.round(value)} s` : `${Number((value / 60).toFixed(1))} min`);
}

/** Diamonds of the evaluations; `short` leaves the words out, for narrow pages. */
function marksOf(
  data: RunData,
  pick: (point: EvaluationPoint) => number,
  format: (value: number) => string,
  short: boolean,
): MarkSpec[] {
  return data.view.evaluations.map((point) => {
    const value = pick(point);
    const when = WHEN[point.when];
    return {
      x: xOfEvaluation(data.view, data.mode, point),
      y: value,
      label: when === '' ? '' : short ? format(value) : `${format(value)} ${when}`,
      // In GRPO the reward's own line leads from one evaluation to the next.
      joined: point.stage === 'sft' || point.stage === 'after_sft',
    };
  });
}

function pair(column: Column, ink: Ink, scale: LineSpec['scale'] = 'y'): LineSpec[] {
  return [
    { values: column.raw, kind: 'raw', ink, scale },
    { values: column.smooth, kind: 'smooth', ink, scale },
  ];
}

function tipOf(data: RunData, column: Column, ink: Ink): ChartSpec['tip'] {
  const value = latest(column.smooth);
  const i = column.smooth.lastIndexOf(value);
  const x = data.x[i];
  return value === null || x === undefined || data.view.summary ? null : { x, y: value, ink };
}

function base(data: RunData, xRange: [number, number]): Omit<ChartSpec, 'lines' | 'y'> {
  return {
    x: data.x,
    band: null,
    xRange,
    y2: null,
    showX: false,
    xFormat: xText(data),
    marks: [],
    markInk: 'reward',
    limit: null,
    endLabels: [],
    tip: null,
    empty: null,
  };
}

/** What the reward lane needs to know of the recipe. */
export interface RewardScale {
  /** Lowest and highest total; null where a reward has no known bounds. */
  range: [number, number] | null;
  /** The evaluations' total reward is on the same scale. */
  agrees: boolean;
}

function rewardAxis(values: (number | null)[], range: RewardScale['range']): AxisSpec {
  if (range === null) return fittedAxis(values, 4, false);
  const [low, high] = range;
  if (low !== 0) return fittedAxis(range, 4, false);
  return fixedAxis(0, high, 4, (value) => value.toFixed(high >= 4 ? 0 : high >= 1.5 ? 1 : 2));
}

/** Total reward with its band of one standard deviation. */
export function rewardLane(data: RunData, xRange: [number, number], scale: RewardScale, short: boolean): ChartSpec {
  const reward = data.column('reward');
  const spread = data.column('rewardStd').raw;
  const edge = (sign: number): LineSpec => ({
    values: reward.raw.map((value, i) => (value === null ? null : value + sign * (spread[i] ?? 0))),
    kind: 'edge',
    ink: 'reward',
    scale: 'y',
  });
  const [upper, lower] = [edge(1), edge(-1)];
  return {
    ...base(data, xRange),
    lines: [upper, lower, ...pair(reward, 'reward')],
    band: { upper: 0, lower: 1, ink: 'reward' },
    y: rewardAxis([...upper.values, ...lower.values], scale.range),
    marks: scale.agrees
      ? marksOf(
          data,
          (point) => headScores(point).totalReward,
          (value) => fixed(value),
          short,
        )
      : [],
    tip: tipOf(data, reward, 'reward'),
  };
}

/** Share of completions in the wanted form, always 0 to 100%. */
export function formatLane(data: RunData, xRange: [number, number], short: boolean): ChartSpec {
  const format = data.column('format');
  return {
    ...base(data, xRange),
    lines: pair(format, 'accent'),
    y: fixedAxis(0, 1, 4, percent),
    marks: marksOf(data, (point) => headScores(point).formatCompliance, percent, short),
    markInk: 'accent',
    tip: tipOf(data, format, 'accent'),
  };
}

/** SFT loss on the left scale, with the validation loss up to the end of SFT; KL on the right one. */
export function lossLane(data: RunData, xRange: [number, number]): ChartSpec {
  const loss = data.column('loss');
  const kl = data.column('kl');
  const marks = data.view.evaluations.flatMap((point): MarkSpec[] => {
    const inSft = data.view.planned.sft !== 0 && ['before', 'sft', 'after_sft'].includes(point.stage);
    const y = evalLossOf(point.result);
    if (!inSft || y === null) return [];
    const x = xOfEvaluation(data.view, data.mode, point);
    return [{ x, y, label: '', joined: point.stage !== 'before' }];
  });
  return {
    ...base(data, xRange),
    lines: [...pair(loss, 'loss'), ...pair(kl, 'kl', 'y2')],
    y: fittedAxis([...loss.raw, ...marks.map(({ y }) => y)], 3, false),
    marks,
    markInk: 'loss',
    y2: fittedAxis(kl.raw, 3, true),
    showX: true,
    empty: data.x.length === 0 ? { text: 'begins with step 1', at: data.border === null ? 0.5 : 0.25 } : null,
  };
}
