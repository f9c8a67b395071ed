// The small charts beside the timeline: name, newest figure, curve.

import { useMemo } from 'react';
import type { Recipe } from '../../train/config';
import { PlotCanvas } from '../charts/PlotCanvas';
import type { RunData } from '../charts/runData';
import { smallCharts } from '../charts/smallSpecs';

export interface SmallChartsProps {
  data: RunData;
  recipe: Recipe;
  /** The range chosen by zooming; null: each chart's own. */
  xRange: [number, number] | null;
}

const GUTTERS = { left: 40, right: 8 };

/** A card with two columns of charts. */
export function SmallCharts({ data, recipe, xRange }: SmallChartsProps): React.JSX.Element {
  const charts = useMemo(() => {
    const both: [number, number] = xRange ?? [0, data.end];
    const grpo: [number, number] = xRange ?? [data.border ?? 0, data.end];
    return smallCharts(data, { grpo, both }, recipe);
  }, [data, recipe, xRange]);
  return (
    <div className="card smallCharts">
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
