// The figures right of a lane: the newest smoothed value, at the end the evaluation, under the pointer that step's.

import { latest, valueNear, type ColumnName, type RunData } from '../charts/runData';
import type { RewardScale } from '../charts/timelineSpecs';
import { fixed, percent, points, significant, signed } from '../format';
import { evaluationAt, headScores } from '../store/series';

export interface LaneFiguresProps {
  lane: 'reward' | 'format' | 'loss';
  data: RunData;
  /** Axis position under the pointer. */
  hover: number | null;
  scale: RewardScale;
}

/** The figures of one lane. */
export function LaneFigures({ lane, data, hover, scale }: LaneFiguresProps): React.JSX.Element {
  const read = (name: ColumnName): number | null => {
    const values = data.column(name).smooth;
    return hover === null ? latest(values) : valueNear(data, values, hover);
  };
  if (lane === 'loss') {
    return (
      <>
        <Number ink="klText" value={show(read('kl'), fixed)} note="KL" small />
        <Number ink="lossText" value={show(read('loss'), significant)} note="loss" small />
      </>
    );
  }
  const pick = (scores: ReturnType<typeof headScores>): number =>
    lane === 'reward' ? scores.totalReward : scores.formatCompliance;
  // An evaluation's total reward may be another sum than the run's: then it says nothing here.
  const evaluated = lane === 'format' || scale.agrees;
  const before = evaluated ? evaluationAt(data.view, 'before') : null;
  const end = evaluated ? evaluationAt(data.view, 'after_grpo') : null;
  const newest = evaluated ? data.view.evaluations[data.view.evaluations.length - 1] : undefined;
  const column = read(lane === 'reward' ? 'reward' : 'format');
  const final = hover === null && end ? pick(headScores(end)) : null;
  const value = final ?? column ?? (newest ? pick(headScores(newest)) : null);
  const change = value === null || !before || newest === before ? null : value - pick(headScores(before));
  return lane === 'reward' ? (
    <Number
      ink="warmText"
      value={show(value, fixed)}
      note={scale.range ? `of ${fixed(scale.range[1])}` : 'weighted sum'}
      change={change === null || value === null ? null : signed(change)}
    />
  ) : (
    <Number
      ink="rise"
      value={show(value, percent)}
      note="of completions"
      change={change === null ? null : `${points(change)} points`}
    />
  );
}

function show(value: number | null, format: (value: number) => string): string {
  return value === null ? '–' : format(value);
}

interface NumberProps {
  ink: string;
  value: string;
  note: string;
  change?: string | null;
  small?: boolean;
}

function Number({ ink, value, note, change, small }: NumberProps): React.JSX.Element {
  return (
    <div className={small ? 'laneNumber small' : 'laneNumber'}>
      <p className={value === '–' ? 'soft' : ink}>{value}</p>
      <p className="note">{note}</p>
      {change && (
        <p className="note change">
          {change}
          <br />
          since before
        </p>
      )}
    </div>
  );
}
