// What the small charts are built of: their record, an empty spec, curves, end labels, the figure in the head.

import type { ChartSpec, AxisSpec, Ink, LineSpec } from './chartSpec';
import { latest, ofStage, type Column, type ColumnName, type RunData } from './runData';
import { xText } from './timelineSpecs';

export interface SmallChart {
  key: string;
  title: string;
  /** The newest value, written, and what follows it. */
  value: string;
  unit: string;
  hint: string;
  spec: ChartSpec;
  /** The stage that fills it has not reported a step yet. */
  waits: boolean;
}

/** Which stage's steps fill a chart. */
export type Filler = 'sft' | 'grpo' | 'both';

export const NONE = '–';

const BEGINS: Record<Filler, string> = {
  sft: 'begins with SFT',
  grpo: 'begins with GRPO',
  both: 'begins with step 1',
};

/** Whether the stage that fills a chart is still to begin. */
export function waitsFor(data: RunData, filler: Filler): boolean {
  return !data.view.points.some(({ stage }) => filler === 'both' || stage === filler);
}

/** A spec with lines and axes, and words where there is nothing yet. */
export function startSpec(
  data: RunData,
  xRange: [number, number],
  y: AxisSpec,
  lines: LineSpec[],
  filler: Filler,
): ChartSpec {
  const filled = lines.some((line) => line.values.some((value) => value !== null));
  return {
    x: data.x,
    lines,
    band: null,
    xRange,
    y,
    y2: null,
    showX: true,
    xFormat: xText(data),
    marks: [],
    markInk: 'reward',
    limit: null,
    endLabels: [],
    tip: null,
    empty: filled ? null : { text: BEGINS[filler], at: 0.5 },
  };
}

/** A raw and a smoothed line of one column. */
export function curve(column: Column, ink: Ink): LineSpec[] {
  return [
    { values: column.raw, kind: 'raw', ink, scale: 'y' },
    { values: column.smooth, kind: 'smooth', ink, scale: 'y' },
  ];
}

/** Curves of a metric that both stages report, one a stage. */
export function curves(data: RunData, name: ColumnName, ink: Ink): LineSpec[] {
  const column = data.column(name);
  return [...curve(ofStage(data, column, 'sft'), ink), ...curve(ofStage(data, column, 'grpo'), ink)];
}

/** Names of lines beside their newest values; none where the lines reach too far right to leave room. */
export function endLabels(
  data: RunData,
  spec: ChartSpec,
  names: [text: string, line: number, ink: Ink][],
): ChartSpec['endLabels'] {
  const x = data.x[data.x.length - 1];
  const [from, to] = spec.xRange;
  if (x === undefined || x < from || (x - from) / (to - from) > 0.55) return [];
  return names.flatMap(([text, line, ink]) => {
    const y = spec.lines[line]?.values.at(-1) ?? null;
    return y === null ? [] : [{ text, x, y: Math.min(y, spec.y.max), ink }];
  });
}

/** The newest smoothed value of a column, written. */
export function figure(data: RunData, name: ColumnName, format: (value: number) => string): string {
  const value = latest(data.column(name).smooth);
  return value === null ? NONE : format(value);
}
