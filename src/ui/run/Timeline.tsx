// The timeline: three lanes on one axis under a band that names the stages, with the newest figures at the right.

import { useMemo } from 'react';
import type { Recipe } from '../../recipe/config';
import { useChartFocus } from '../charts/focus';
import { PlotCanvas } from '../charts/PlotCanvas';
import type { RunData } from '../charts/runData';
import { formatLane, lossLane, rewardLane } from '../charts/timelineSpecs';
import { useNarrow } from '../parts/useNarrow';
import { totalRange, totalsAgree } from '../recipe/rewards';
import { LaneFigures } from './LaneFigures';
import { placeOf } from './placeOf';
import { StageBand, TimelineRules } from './StageBand';

export interface TimelineProps {
  data: RunData;
  recipe: Recipe;
  xRange: [number, number];
}

/** The timeline card. */
export function Timeline({ data, recipe, xRange }: TimelineProps): React.JSX.Element {
  const narrow = useNarrow();
  const hover = useChartFocus((focus) => focus.hover);
  const [from, to] = xRange;
  const scale = useMemo(() => ({ range: totalRange(recipe), agrees: totalsAgree(recipe) }), [recipe]);
  const specs = useMemo(
    () => ({
      reward: rewardLane(data, [from, to], scale, narrow),
      format: formatLane(data, [from, to], narrow),
      loss: lossLane(data, [from, to]),
    }),
    [data, from, to, scale, narrow],
  );
  const gutters = narrow ? { left: 44, right: 30 } : { left: 46, right: 38 };
  const completions = recipe.grpo.per_device_train_batch_size * recipe.grpo.gradient_accumulation_steps;
  return (
    <div className="card timeline">
      <StageBand data={data} xRange={xRange} gutters={gutters} />
      <div className="lanes">
        <TimelineRules data={data} xRange={xRange} gutters={gutters} />
        <Lane
          title="Total reward"
          note={`mean of ${completions} completions, band ± 1 sd`}
          figures={<LaneFigures lane="reward" data={data} hover={hover} scale={scale} />}
        >
          <PlotCanvas spec={specs.reward} height={narrow ? 132 : 166} {...gutters} label="Total reward over steps" />
        </Lane>
        <Lane
          title="Format compliance"
          note="share of completions in the wanted form"
          figures={<LaneFigures lane="format" data={data} hover={hover} scale={scale} />}
        >
          <PlotCanvas
            spec={specs.format}
            height={narrow ? 124 : 156}
            {...gutters}
            label="Format compliance over steps"
          />
        </Lane>
        <Lane
          title="SFT loss"
          note="per token, left scale; diamonds: validation"
          second={{ title: 'KL', note: 'to the base, right scale', at: borderShare(data, xRange) }}
          gutters={gutters}
          figures={<LaneFigures lane="loss" data={data} hover={hover} scale={scale} />}
        >
          <PlotCanvas spec={specs.loss} height={narrow ? 132 : 162} {...gutters} label="SFT loss and KL over steps" />
        </Lane>
      </div>
    </div>
  );
}

/** Where GRPO begins, as a share of the axis on show; null when that is out of sight. */
function borderShare(data: RunData, [from, to]: [number, number]): number | null {
  if (data.border === null) return null;
  const share = (data.border - from) / (to - from);
  return share > 0.02 && share < 0.9 ? share : null;
}

interface LaneProps {
  title: string;
  note: string;
  second?: { title: string; note: string; at: number | null };
  gutters?: { left: number; right: number };
  figures: React.ReactNode;
  children: React.ReactNode;
}

function Lane({ title, note, second, gutters, figures, children }: LaneProps): React.JSX.Element {
  const left = second?.at == null || !gutters ? null : placeOf(second.at, gutters);
  return (
    <div className="lane">
      <h3 className="laneHead">
        <span className="label">{title}</span> <span className="note">{note}</span>
        {second && (
          <span className={left ? 'secondHead' : 'secondHead inline'} style={left ? { left } : undefined}>
            <span className="label">{second.title}</span> <span className="note">{second.note}</span>
          </span>
        )}
      </h3>
      {children}
      <div className="laneFigures num">{figures}</div>
    </div>
  );
}
