// The charts of a run: what they share (data, part, axis), the timeline, and the small ones.

import { useMemo } from 'react';
import type { Recipe } from '../../recipe/config';
import { useChartFocus, type Part } from '../charts/focus';
import { runData, type RunData } from '../charts/runData';
import { metricsCsv } from '../exports/runTables';
import { saveFile } from '../exports/saveFile';
import { Icon } from '../parts/Icon';
import { Segmented } from '../parts/Segmented';
import type { RunView } from '../store/runView';
import type { AxisMode } from '../store/series';
import { FurtherCharts, SmallCharts, useSmallCharts } from './SmallCharts';
import { Timeline } from './Timeline';

/** The Curves section. */
export function Curves({ view, recipe }: { view: RunView; recipe: Recipe }): React.JSX.Element {
  const { mode, part, zoom } = useChartFocus();
  const { points, evaluations, groupSteps, planned, summary } = view;
  const tick = mode === 'time' ? view.lastTime : 0;
  // Progress reports change the view several times a second without changing a curve.
  // eslint-disable-next-line react-hooks/exhaustive-deps
  const data = useMemo(() => runData(view, mode), [points, evaluations, groupSteps, planned, summary, mode, tick]);
  const range = zoom ?? partRange(data, part);
  const charts = useSmallCharts(data, recipe, zoom);
  return (
    <section aria-label="Curves">
      <CurvesHead view={view} part={part} mode={mode} zoomed={zoom !== null} hasBorder={data.border !== null} />
      <div className="curves">
        <Timeline data={data} recipe={recipe} xRange={range} />
        <SmallCharts charts={charts} />
        <FurtherCharts charts={charts} />
      </div>
    </section>
  );
}

/** The axis range of a part of the run. */
function partRange(data: RunData, part: Part): [number, number] {
  if (data.border === null || part === 'all') return [0, data.end];
  return part === 'sft' ? [0, data.border] : [data.border, Math.max(data.end, data.border + 1e-6)];
}

interface HeadProps {
  view: RunView;
  part: Part;
  mode: AxisMode;
  zoomed: boolean;
  hasBorder: boolean;
}

function CurvesHead({ view, part, mode, zoomed, hasBorder }: HeadProps): React.JSX.Element {
  const first = view.evaluations[0]?.result;
  return (
    <div className="sectionHead">
      <h2 className="heading">Curves</h2>
      {hasBorder && (
        <Segmented
          small
          label="Part of the run"
          options={[
            { value: 'all', label: 'Whole run' },
            { value: 'sft', label: 'SFT' },
            { value: 'grpo', label: 'GRPO' },
          ]}
          value={zoomed ? null : part}
          onChange={(next) => useChartFocus.setState({ part: next, zoom: null })}
        />
      )}
      <Segmented
        small
        label="Axis"
        options={[
          { value: 'step', label: 'Step' },
          { value: 'time', label: 'Time' },
        ]}
        value={mode}
        onChange={(next) => useChartFocus.setState({ mode: next, zoom: null })}
      />
      {zoomed && (
        <button type="button" className="linkButton" onClick={() => useChartFocus.setState({ zoom: null })}>
          <Icon name="close" size={10} /> Reset zoom
        </button>
      )}
      <p className="legend note" aria-hidden="true">
        <span>
          <svg width="22" height="8" className="legendRaw">
            <path d="M0 6l4-3 4 3 4-4 4 4 4-3 2 2" />
          </svg>
          raw
        </span>
        <span>
          <svg width="22" height="8" className="legendSmooth">
            <path d="M1 6q6-3 20-4" />
          </svg>
          smoothed 0.6
        </span>
        <span>
          <svg width="12" height="12" className="legendMark">
            <path d="M6 1l5 5-5 5-5-5z" />
          </svg>
          {first ? `${first.rows} validation rows, ${first.sampled ? 'sampled' : 'greedy'}` : 'validation rows'}
        </span>
      </p>
      <button
        type="button"
        className="linkButton strong"
        disabled={view.points.length === 0}
        onClick={() => void metricsCsv(view).then((table) => saveFile('metrics.csv', table))}
      >
        <Icon name="download" size={13} /> CSV
      </button>
    </div>
  );
}
