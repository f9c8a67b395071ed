// What a chart draws over its lines: evaluation diamonds, limits, the newest point, texts at line ends.

import type uPlot from 'uplot';
import type { ChartSpec, MarkSpec } from './chartSpec';
import type { Palette } from './palette';

const FONT = "'Inter Variable', system-ui, sans-serif";

/** Draws a spec's marks on the plot's canvas, within its plotting area, `zoom` times their usual size. */
export function drawMarks(plot: uPlot, spec: ChartSpec, palette: Palette, zoom: number): void {
  const { ctx } = plot;
  const scale = (plot.width > 0 ? ctx.canvas.width / plot.width : 1) * zoom;
  const at = (x: number, y: number): [number, number] => [plot.valToPos(x, 'x', true), plot.valToPos(y, 'y', true)];
  const inRange = (x: number): boolean => x >= spec.xRange[0] - 1e-9 && x <= spec.xRange[1] + 1e-9;
  ctx.save();
  ctx.lineJoin = 'round';
  ctx.font = `${11 * scale}px ${FONT}`;
  if (spec.limit) drawLimit(plot, spec.limit, palette, scale);
  drawJoins(ctx, spec, palette, scale, at);
  if (spec.tip && inRange(spec.tip.x)) drawDot(ctx, at(spec.tip.x, spec.tip.y), palette[spec.tip.ink], scale);
  drawLonePoints(ctx, spec, palette, scale, plot);
  for (const mark of spec.marks) {
    if (!inRange(mark.x)) continue;
    const place = at(mark.x, mark.y);
    drawDiamond(ctx, place, palette[spec.markInk], palette.surface, scale);
    drawMarkLabel(plot, mark, place, palette, scale);
  }
  for (const label of spec.endLabels) {
    if (!inRange(label.x)) continue;
    const [left, top] = at(label.x, label.y);
    drawText(ctx, label.text, left + 8 * scale, top, palette[label.ink], 'left', 'middle');
  }
  if (spec.empty) drawEmpty(plot, spec.empty, palette, scale);
  ctx.restore();
}

function drawEmpty(plot: uPlot, empty: { text: string; at: number }, palette: Palette, scale: number): void {
  const { ctx, bbox } = plot;
  const [left, top] = [bbox.left + bbox.width * empty.at, bbox.top + bbox.height / 2];
  const width = ctx.measureText(empty.text).width + 12 * scale;
  ctx.fillStyle = palette.surface;
  ctx.fillRect(left - width / 2, top - 8 * scale, width, 16 * scale);
  drawText(ctx, empty.text, left, top, palette.text3, 'center', 'middle');
}

function drawText(
  ctx: CanvasRenderingContext2D,
  text: string,
  x: number,
  y: number,
  color: string,
  align: CanvasTextAlign,
  baseline: CanvasTextBaseline,
): void {
  ctx.fillStyle = color;
  ctx.textAlign = align;
  ctx.textBaseline = baseline;
  ctx.fillText(text, x, y);
}

function drawLimit(plot: uPlot, limit: { y: number; label: string }, palette: Palette, scale: number): void {
  const { ctx, bbox } = plot;
  const top = Math.round(plot.valToPos(limit.y, 'y', true));
  ctx.strokeStyle = palette.bad;
  ctx.lineWidth = 1.25 * scale;
  ctx.setLineDash([4 * scale, 3 * scale]);
  ctx.beginPath();
  ctx.moveTo(bbox.left, top);
  ctx.lineTo(bbox.left + bbox.width, top);
  ctx.stroke();
  ctx.setLineDash([]);
  const right = bbox.left + bbox.width;
  if (limit.label) drawText(ctx, limit.label, right, top + 5 * scale, palette.text3, 'right', 'top');
}

function drawJoins(
  ctx: CanvasRenderingContext2D,
  spec: ChartSpec,
  palette: Palette,
  scale: number,
  at: (x: number, y: number) => [number, number],
): void {
  ctx.strokeStyle = palette[spec.markInk];
  ctx.lineWidth = 1.25 * scale;
  ctx.setLineDash([1.5 * scale, 4 * scale]);
  spec.marks.forEach((mark, i) => {
    const before = spec.marks[i - 1];
    if (!mark.joined || !before) return;
    ctx.beginPath();
    ctx.moveTo(...at(before.x, before.y));
    ctx.lineTo(...at(mark.x, mark.y));
    ctx.stroke();
  });
  ctx.setLineDash([]);
}

/** A line of one value has no length: its value is shown as a dot. */
function drawLonePoints(
  ctx: CanvasRenderingContext2D,
  spec: ChartSpec,
  palette: Palette,
  scale: number,
  plot: uPlot,
): void {
  for (const line of spec.lines) {
    if (line.kind !== 'smooth') continue;
    const at = line.values.findIndex((value) => value !== null);
    if (at < 0 || at !== line.values.findLastIndex((value) => value !== null)) continue;
    const [x, y] = [spec.x[at]!, line.values[at]!];
    if (x < spec.xRange[0] || x > spec.xRange[1]) continue;
    const place: [number, number] = [plot.valToPos(x, 'x', true), plot.valToPos(y, line.scale, true)];
    drawDot(ctx, place, palette[line.ink], scale * 0.75);
  }
}

function drawDot(ctx: CanvasRenderingContext2D, [x, y]: [number, number], color: string, scale: number): void {
  ctx.fillStyle = color;
  ctx.beginPath();
  ctx.arc(x, y, 3.5 * scale, 0, 2 * Math.PI);
  ctx.fill();
}

function drawDiamond(
  ctx: CanvasRenderingContext2D,
  [x, y]: [number, number],
  color: string,
  fill: string,
  scale: number,
): void {
  const reach = 5.5 * scale;
  ctx.beginPath();
  ctx.moveTo(x, y - reach);
  ctx.lineTo(x + reach, y);
  ctx.lineTo(x, y + reach);
  ctx.lineTo(x - reach, y);
  ctx.closePath();
  ctx.fillStyle = fill;
  ctx.fill();
  ctx.strokeStyle = color;
  ctx.lineWidth = 1.75 * scale;
  ctx.stroke();
}

function drawMarkLabel(plot: uPlot, mark: MarkSpec, [x, y]: [number, number], palette: Palette, scale: number): void {
  if (!mark.label) return;
  const { ctx, bbox } = plot;
  const early = x < bbox.left + bbox.width * 0.12;
  // The early mark's text goes under the dots that lead away from it, a later mark's over those that lead to it.
  const below = early && y + 26 * scale < bbox.top + bbox.height;
  const align = early ? 'left' : 'right';
  const left = x + (early ? 8 : -9) * scale;
  drawText(ctx, mark.label, left, y + (below ? 8 : -8) * scale, palette.text2, align, below ? 'top' : 'bottom');
}
