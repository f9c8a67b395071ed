// What a chart shows, free of any drawing library: lines, ranges, marks. Built from a run, drawn by plotOptions.

import { significant } from '../format';

/** A colour by its token's name; the palette resolves it for the theme. */
export type Ink = 'reward' | 'accent' | 'loss' | 'kl' | 'length' | 'length-pale' | 'other' | 'bad';

export interface LineSpec {
  /** One value per x; null where the line has none. */
  values: (number | null)[];
  /** raw: faint; smooth: solid; edge: border of a band, not drawn; bars: columns from zero. */
  kind: 'raw' | 'smooth' | 'edge' | 'bars';
  ink: Ink;
  scale: 'y' | 'y2';
}

export interface MarkSpec {
  x: number;
  y: number;
  label: string;
  /** Joined by dots with the mark before it. */
  joined: boolean;
}

export interface AxisSpec {
  min: number;
  max: number;
  ticks: number[];
  format(value: number): string;
}

export interface ChartSpec {
  x: number[];
  lines: LineSpec[];
  /** Indices into `lines` of the upper and lower edge. */
  band: { upper: number; lower: number; ink: Ink } | null;
  xRange: [number, number];
  y: AxisSpec;
  y2: AxisSpec | null;
  showX: boolean;
  xFormat(value: number): string;
  marks: MarkSpec[];
  markInk: Ink;
  /** A dashed line at a value that matters, with its name. */
  limit: { y: number; label: string } | null;
  /** Texts beside the end of a line. */
  endLabels: { text: string; x: number; y: number; ink: Ink }[];
  /** A dot at the newest smoothed value. */
  tip: { x: number; y: number; ink: Ink } | null;
  /** What will appear here, while there is nothing yet; `at` is its middle as a share of the width. */
  empty: { text: string; at: number } | null;
}

/** An axis from `min` to `max` with `parts` equal parts. */
export function fixedAxis(min: number, max: number, parts: number, format: AxisSpec['format']): AxisSpec {
  const ticks = Array.from({ length: parts + 1 }, (_, i) => min + ((max - min) * i) / parts);
  return { min, max, ticks, format };
}

/** An axis that holds all values with round ticks; starts at zero if `fromZero`. Without values it has no ticks. */
export function fittedAxis(
  values: readonly (number | null)[],
  parts: number,
  fromZero: boolean,
  format?: AxisSpec['format'],
): AxisSpec {
  let [low, high] = fromZero ? [0, -Infinity] : [Infinity, -Infinity];
  for (const value of values) {
    if (value === null || !Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (high === -Infinity) return { min: 0, max: 1, ticks: [], format: String };
  const step = roundStep(Math.max(high - low, Math.abs(high) * 0.1, 1e-9) / parts);
  const min = Math.floor(low / step + 1e-9) * step;
  const count = Math.max(1, Math.ceil((high - min) / step - 1e-9));
  const ticks = Array.from({ length: count + 1 }, (_, i) => min + i * step);
  const decimals = Math.max(0, Math.min(6, -Math.floor(Math.log10(step) + 1e-9)));
  return { min, max: min + count * step, ticks, format: format ?? ((value) => tickText(value, step, decimals)) };
}

function tickText(value: number, step: number, decimals: number): string {
  // Longer numbers would not fit beside the chart.
  if (decimals > 3) return Math.abs(value) < step / 2 ? '0' : significant(Number(value.toPrecision(3)));
  return value.toFixed(Number.isInteger(step * 10 ** decimals) ? decimals : decimals + 1);
}

/** The next step of the form 1, 1.5, 2, 2.5, 5 times a power of ten. */
function roundStep(size: number): number {
  const power = 10 ** Math.floor(Math.log10(size));
  const lead = [1, 1.5, 2, 2.5, 5, 10].find((candidate) => candidate * power >= size * (1 - 1e-9)) ?? 10;
  return lead * power;
}
