// The small charts: name, newest figure, curve. The first ones stand beside the timeline, further ones in a row below.

import { useMemo } from 'react';
import type { Recipe } from '../../recipe/config';
import { PlotCanvas } from '../charts/PlotCanvas';
import type { RunData } from '../charts/runData';
import { smallCharts } from '../charts/smallSpecs';
import type { SmallChart } from '../charts/smallParts';

/** As many as fill the timeline's height. */
const BESIDE = 8;

const GUTTERS = { left: 40, right: 8 };

/** All small charts of a run. @param zoom the range chosen by zooming; null: each chart's own */
export function useSmallCharts(data: RunData, recipe: Recipe, zoom: [number, number] | null): SmallChart[] {
  return useMemo(() => {
    const both: [number, number] = zoom ?? [0, data.end];
    const sft: [number, number] = zoom ?? [0, data.border ?? data.end];
    const grpo: [number, number] = zoom ?? [data.border ?? 0, data.end];
    return smallCharts(data, { sft, grpo, both }, recipe);
  }, [data, recipe, zoom]);
}

/** A card with two columns of charts. */
export function SmallCharts({ charts }: { charts: readonly SmallChart[] }): React.JSX.Element {
  return <ChartGrid charts={charts.slice(0, BESIDE)} />;
}

/** What does not fit beside the timeline; nothing where all does. */
export function FurtherCharts({ charts }: { charts: readonly SmallChart[] }): React.JSX.Element | null {
  const further = charts.slice(BESIDE);
  return further.length === 0 ? null : <ChartGrid charts={further} further />;
}

function ChartGrid({
  charts,
  further = false,
}: {
  charts: readonly SmallChart[];
  further?: boolean;
}): React.JSX.Element {
  return (
    <div className={further ? 'card smallCharts further' : 'card smallCharts'}>
      {charts.map(({ key, title, value, unit, hint, spec }) => (
        <figure key={key} title={hint}>
          <figcaption>
            <span className="label">{title}</span>
            <span className="num">
              <strong>{value}</strong> {unit}
            </span>
          </figcaption>
          <PlotCanvas spec={spec} height={118} {...GUTTERS} small label={`${title}: ${value} ${unit}`} />
        </figure>
      ))}
    </div>
  );
}
