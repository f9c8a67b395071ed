// The three lanes of the timeline as chart specs: total reward, format compliance, SFT loss with KL.

import type { EvaluationPoint } from '../store/runReducer';
import { headScores, xOfEvaluation } from '../store/series';
import { fixed, percent } from '../format';
import { fittedAxis, fixedAxis, type ChartSpec, type Ink, type LineSpec, type MarkSpec } from './chartSpec';
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
  pick: (scores: ReturnType<typeof headScores>) => number,
  format: (value: number) => string,
  short: boolean,
): MarkSpec[] {
  return data.view.evaluations.map((point) => {
    const value = pick(headScores(point));
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

/** Total reward with its band of one standard deviation; `most` is the sum of the reward weights. */
export function rewardLane(data: RunData, xRange: [number, number], most: number, short: boolean): ChartSpec {
  const reward = data.column('reward');
  const spread = data.column('rewardStd').raw;
  const edge = (sign: number): LineSpec => ({
    values: reward.raw.map((value, i) => (value === null ? null : value + sign * (spread[i] ?? 0))),
    kind: 'edge',
    ink: 'reward',
    scale: 'y',
  });
  return {
    ...base(data, xRange),
    lines: [edge(1), edge(-1), ...pair(reward, 'reward')],
    band: { upper: 0, lower: 1, ink: 'reward' },
    y: fixedAxis(0, most, 4, (value) => value.toFixed(most >= 4 ? 0 : 1)),
    marks: marksOf(
      data,
      (scores) => scores.totalReward,
      (value) => fixed(value),
      short,
    ),
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
    marks: marksOf(data, (scores) => scores.formatCompliance, percent, short),
    markInk: 'accent',
    tip: tipOf(data, format, 'accent'),
  };
}

/** SFT loss on the left scale, KL on the right one. */
export function lossLane(data: RunData, xRange: [number, number]): ChartSpec {
  const loss = data.column('loss');
  const kl = data.column('kl');
  return {
    ...base(data, xRange),
    lines: [...pair(loss, 'loss'), ...pair(kl, 'kl', 'y2')],
    y: fittedAxis(loss.raw, 3, false),
    y2: fittedAxis(kl.raw, 3, true),
    showX: true,
    empty: data.x.length === 0 ? { text: 'begins with step 1', at: data.border === null ? 0.5 : 0.25 } : null,
  };
}
