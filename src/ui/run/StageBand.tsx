// The band over the timeline that names the stages, and the vertical rules through all lanes: stage border and now.

import type { RunData } from '../charts/runData';
import { stepsDone } from '../store/series';
import { placeOf } from './placeOf';

export interface BandProps {
  data: RunData;
  xRange: [number, number];
  gutters: { left: number; right: number };
}

function shareOf(position: number, [from, to]: [number, number]): number {
  return Math.min(1, Math.max(0, (position - from) / (to - from)));
}

/** SFT in blue, GRPO in the warm colour, what is still to come in grey. */
export function StageBand({ data, xRange, gutters }: BandProps): React.JSX.Element {
  const { view } = data;
  const newest = data.x[data.x.length - 1] ?? 0;
  const grpoDone = stepsDone(view.points, 'grpo');
  const sftDone = stepsDone(view.points, 'sft');
  const { sft, grpo } = view.planned;
  const border = data.border ?? (sft !== 0 && grpo === 0 ? data.end : sft === 0 ? 0 : data.end);
  const stages = [
    { name: 'SFT', kind: 'sft', from: 0, to: border, done: sftDone, planned: sft },
    { name: 'GRPO', kind: 'grpo', from: border, to: data.end, done: grpoDone, planned: grpo },
  ];
  return (
    <div className="stageBand">
      {stages.map(({ name, kind, from, to, done, planned }) => {
        const [left, right] = [shareOf(from, xRange), shareOf(to, xRange)];
        if (right - left < 0.005) return null;
        const reached = view.summary ? right : Math.max(left, Math.min(right, shareOf(newest, xRange)));
        const filled = right > left ? (reached - left) / (right - left) : 0;
        const note = planned === null ? '' : done >= planned ? `${planned} steps` : `step ${done} of ${planned}`;
        return (
          <div
            key={kind}
            className={`stage ${kind}`}
            style={{
              left: placeOf(left, gutters),
              width: `calc(${placeOf(right, gutters)} - ${placeOf(left, gutters)} - 2px)`,
            }}
          >
            <i style={{ width: `${filled * 100}%` }} />
            <span>{name}</span>
            {right - left > 0.18 && <span className="num stageNote">{note}</span>}
          </div>
        );
      })}
    </div>
  );
}

/** A solid rule between the stages and, until the run has ended, a dotted one at the newest step. */
export function TimelineRules({ data, xRange, gutters }: BandProps): React.JSX.Element {
  const newest = data.x[data.x.length - 1];
  const inside = (position: number): boolean => position >= xRange[0] && position <= xRange[1];
  return (
    <div className="rules" aria-hidden="true">
      {data.border !== null && inside(data.border) && (
        <i className="stageRule" style={{ left: placeOf(shareOf(data.border, xRange), gutters) }} />
      )}
      {newest !== undefined && inside(newest) && !data.view.summary && (
        <i className="nowRule" style={{ left: placeOf(shareOf(newest, xRange), gutters) }} />
      )}
    </div>
  );
}
