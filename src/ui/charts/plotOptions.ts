// From a ChartSpec to uPlot's options. The options read the spec anew at each draw, so new data needs no new chart.

import uPlot from 'uplot';
import type { AxisSpec, ChartSpec, LineSpec } from './chartSpec';
import { decimate } from './decimate';
import { drawMarks } from './drawMarks';
import { withAlpha, type Palette } from './palette';

export interface PlotSize {
  width: number;
  height: number;
  /** Space for the axis texts, in CSS pixels. */
  left: number;
  right: number;
  /** Enlarges everything, for pictures finer than the screen. */
  zoom?: number;
}

/** The spec that a chart shows now; the owner replaces `spec`, the chart follows at the next draw. */
export interface SpecHolder {
  spec: ChartSpec;
}

const X_AXIS = 26;
/** Short runs are drawn point by point, however small the chart. */
const FEWEST_PARTS = 100;
const SMOOTH_WIDTH = 2.25;
const SMALL_SMOOTH_WIDTH = 2;

/** uPlot's data of a spec: x, then every line, as far as they can be told apart on so many pixels. */
export function plotData(spec: ChartSpec, pixels: number): uPlot.AlignedData {
  const values = spec.lines.map((line) => line.values);
  const { x, lines } = decimate(spec.x, values, spec.xRange, Math.max(FEWEST_PARTS, Math.ceil(pixels / 2)));
  return [x, ...lines] as uPlot.AlignedData;
}

/** Options for a chart of the holder's spec. The number and kinds of lines must stay as they are. */
export function plotOptions(holder: SpecHolder, size: PlotSize, palette: Palette, small: boolean): uPlot.Options {
  const { spec } = holder;
  const zoom = size.zoom ?? 1;
  const top = (small ? 10 : 6) * zoom;
  return {
    width: size.width * zoom,
    height: size.height * zoom,
    padding: [top, spec.y2 ? 0 : size.right * zoom, spec.showX ? 0 : 6 * zoom, 0],
    legend: { show: false },
    cursor: {
      y: false,
      points: { show: false },
      drag: { x: true, y: false, setScale: false },
      sync: { key: 'lorikeet-run', scales: ['x', null] },
    },
    scales: {
      x: { time: false, range: () => holder.spec.xRange },
      y: { range: () => [holder.spec.y.min, holder.spec.y.max] },
      ...(spec.y2 ? { y2: { range: () => [holder.spec.y2?.min ?? 0, holder.spec.y2?.max ?? 1] } } : {}),
    },
    axes: axesOf(holder, size, palette, small),
    series: [{}, ...spec.lines.map((line) => seriesOf(line, palette, small, zoom))],
    bands: spec.band
      ? [
          {
            series: [spec.band.upper + 1, spec.band.lower + 1],
            fill: withAlpha(palette[spec.band.ink], small ? 0.14 : 0.11),
          },
        ]
      : [],
    hooks: { draw: [(plot) => drawMarks(plot, holder.spec, palette, zoom)] },
  };
}

function axesOf(holder: SpecHolder, size: PlotSize, palette: Palette, small: boolean): uPlot.Axis[] {
  const { spec } = holder;
  const zoom = size.zoom ?? 1;
  const font = `${11 * zoom}px 'Inter Variable', system-ui, sans-serif`;
  const common = { stroke: palette.text3, font, ticks: { show: false }, border: { show: false } };
  const scaleAxis = (axis: (spec: ChartSpec) => AxisSpec | null): Partial<uPlot.Axis> => ({
    ...common,
    gap: 6 * zoom,
    splits: () => axis(holder.spec)?.ticks ?? [],
    values: (_, ticks) => ticks.map((tick) => axis(holder.spec)?.format(tick) ?? ''),
  });
  const x: uPlot.Axis = {
    ...common,
    show: spec.showX,
    size: X_AXIS * zoom,
    gap: 6 * zoom,
    space: (small ? 40 : 84) * zoom,
    incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000],
    grid: { show: false },
    values: (_, ticks) => ticks.map((tick) => holder.spec.xFormat(tick)),
  };
  const y: uPlot.Axis = {
    ...scaleAxis((current) => current.y),
    scale: 'y',
    size: size.left * zoom,
    grid: { stroke: palette.grid, width: zoom },
  };
  if (!spec.y2) return [x, y];
  const y2: uPlot.Axis = {
    ...scaleAxis((current) => current.y2),
    scale: 'y2',
    side: 1,
    size: size.right * zoom,
    grid: { show: false },
  };
  return [x, y, y2];
}

function seriesOf(line: LineSpec, palette: Palette, small: boolean, zoom: number): uPlot.Series {
  const color = palette[line.ink];
  // Steps that share a rollout report its rewards once: the line leads over those that have no value of their own.
  const base = { scale: line.scale, points: { show: false }, spanGaps: true };
  switch (line.kind) {
    case 'raw':
      return { ...base, stroke: withAlpha(color, 0.42), width: zoom };
    case 'smooth':
      return { ...base, stroke: color, width: (small ? SMALL_SMOOTH_WIDTH : SMOOTH_WIDTH) * zoom };
    case 'edge':
      return { ...base, stroke: 'transparent', width: 0 };
    case 'bars': {
      const bars = uPlot.paths.bars;
      return {
        ...base,
        stroke: color,
        fill: color,
        width: 0,
        ...(bars ? { paths: bars({ size: [0.72, 12 * zoom, zoom] }) } : {}),
      };
    }
  }
}
