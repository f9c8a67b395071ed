// The figures right of a lane: the newest smoothed value, at the end the evaluation, under the pointer that step's.

import { latest, valueNear, type ColumnName, type RunData } from '../charts/runData';
import { fixed, percent, points, significant, signed } from '../format';
import { evaluationAt, headScores } from '../store/series';

export interface LaneFiguresProps {
  lane: 'reward' | 'format' | 'loss';
  data: RunData;
  /** Axis position under the pointer. */
  hover: number | null;
  most: number;
}

/** The figures of one lane. */
export function LaneFigures({ lane, data, hover, most }: LaneFiguresProps): React.JSX.Element {
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
  const before = evaluationAt(data.view, 'before');
  const end = evaluationAt(data.view, 'after_grpo');
  const newest = data.view.evaluations[data.view.evaluations.length - 1];
  const column = read(lane === 'reward' ? 'reward' : 'format');
  const final = hover === null && end ? pick(headScores(end)) : null;
  const value = final ?? column ?? (newest ? pick(headScores(newest)) : null);
  const change = value === null || !before || newest === before ? null : value - pick(headScores(before));
  return lane === 'reward' ? (
    <Number
      ink="warmText"
      value={show(value, fixed)}
      note={`of ${fixed(most)}`}
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
