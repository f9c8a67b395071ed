// The run's charts on one picture, drawn from the same specs as the page, without needing the page to show them.

import uPlot from 'uplot';
import type { Recipe } from '../../recipe/config';
import type { ChartSpec } from '../charts/chartSpec';
import { readPalette, type Palette } from '../charts/palette';
import { plotData, plotOptions, type PlotSize } from '../charts/plotOptions';
import { runData } from '../charts/runData';
import { smallCharts } from '../charts/smallSpecs';
import { formatLane, lossLane, rewardLane } from '../charts/timelineSpecs';
import { nextTask } from './nextTask';
import { totalRange, totalsAgree } from '../recipe/rewards';
import { stepsDone } from '../store/series';
import type { RunView } from '../store/runView';

const SCALE = 2;
const MARGIN = 24;
const LANES_WIDTH = 880;
const SMALL_WIDTH = 230;
const SMALL_HEIGHT = 128;
const HEAD = 26;

const TOP = 64;

interface Panel {
  title: string;
  note: string;
  spec: ChartSpec;
  small: boolean;
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Draws the timeline and all small charts of a run in the light theme. Returns PNG bytes. */
export async function chartsPng(view: RunView, recipe: Recipe): Promise<Uint8Array<ArrayBuffer>> {
  const panels = layout(view, recipe);
  const width = Math.max(...panels.map((panel) => panel.x + panel.width)) + MARGIN;
  const height = Math.max(...panels.map((panel) => panel.y + panel.height)) + MARGIN;
  const canvas = document.createElement('canvas');
  canvas.width = width * SCALE;
  canvas.height = height * SCALE;
  const ctx = canvas.getContext('2d')!;
  const stage = document.createElement('div');
  stage.dataset.theme = 'light';
  stage.className = 'offstage';
  document.body.append(stage);
  try {
    const palette = readPalette(stage);
    ctx.scale(SCALE, SCALE);
    ctx.fillStyle = palette.surface;
    ctx.fillRect(0, 0, width, height);
    drawHead(ctx, view, palette);
    const { border } = runData(view, 'step');
    for (const panel of panels) {
      drawPanel(ctx, stage, panel, palette, border);
      // One chart per task: the page may be showing a run meanwhile.
      await nextTask();
    }
  } finally {
    stage.remove();
  }
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/png'));
  if (!blob) throw new Error('the canvas gave no picture');
  return new Uint8Array(await blob.arrayBuffer());
}

function layout(view: RunView, recipe: Recipe): Panel[] {
  const data = runData(view, 'step');
  const all: [number, number] = [0, data.end];
  const grpo: [number, number] = [data.border ?? 0, data.end];
  const scale = { range: totalRange(recipe), agrees: totalsAgree(recipe) };
  const sft: [number, number] = [0, data.border ?? data.end];
  const lanes: [string, string, ChartSpec, number][] = [
    ['Total reward', 'mean of a step’s completions, band ± 1 sd', rewardLane(data, all, scale, false), 170],
    ['Format compliance', 'share of completions in the wanted form', formatLane(data, all, false), 160],
    ['SFT loss and KL', 'loss per token, left scale; KL to the base, right scale', lossLane(data, all), 160],
  ];
  const panels: Panel[] = [];
  let y = TOP;
  for (const [title, note, spec, height] of lanes) {
    panels.push({ title, note, spec, small: false, x: MARGIN, y, width: LANES_WIDTH, height: height + HEAD });
    y += height + HEAD + 8;
  }
  smallCharts(data, { sft, grpo, both: all }, recipe).forEach(({ title, value, unit, spec }, i) => {
    panels.push({
      title,
      note: `${value} ${unit}`.trim(),
      spec,
      small: true,
      x: MARGIN + LANES_WIDTH + 24 + (i % 2) * (SMALL_WIDTH + 16),
      y: TOP + Math.floor(i / 2) * (SMALL_HEIGHT + HEAD + 8),
      width: SMALL_WIDTH,
      height: SMALL_HEIGHT + HEAD,
    });
  });
  return panels;
}

function drawHead(ctx: CanvasRenderingContext2D, view: RunView, palette: Palette): void {
  const [sft, grpo] = [stepsDone(view.points, 'sft'), stepsDone(view.points, 'grpo')];
  const facts = [`${sft} SFT and ${grpo} GRPO steps`, view.summary && `seed ${view.summary.seed}`];
  const time = new Date(view.startedAt).toISOString().slice(0, 16).replace('T', ' ');
  ctx.textBaseline = 'alphabetic';
  ctx.fillStyle = palette.text;
  ctx.font = "640 16px 'Inter Variable', system-ui, sans-serif";
  ctx.fillText('Lorikeet', MARGIN, 38);
  ctx.fillStyle = palette.text2;
  ctx.font = "12px 'Inter Variable', system-ui, sans-serif";
  ctx.fillText(
    [...facts, `${time} UTC`, 'thin: raw, thick: smoothed 0.6, diamonds: validation'].filter(Boolean).join(' · '),
    MARGIN + 84,
    38,
  );
}

function drawPanel(
  ctx: CanvasRenderingContext2D,
  stage: HTMLElement,
  panel: Panel,
  palette: Palette,
  border: number | null,
): void {
  const { title, note, spec, small, x, y, width, height } = panel;
  ctx.textBaseline = 'alphabetic';
  ctx.fillStyle = palette.text;
  ctx.font = "600 13px 'Inter Variable', system-ui, sans-serif";
  ctx.fillText(title, x, y + 14);
  const after = x + ctx.measureText(title).width + 10;
  ctx.fillStyle = palette.text3;
  ctx.font = "11px 'Inter Variable', system-ui, sans-serif";
  ctx.fillText(note, after, y + 14);
  const gutters = small ? { left: 38, right: 8 } : { left: 52, right: 44 };
  const size: PlotSize = { width, height: height - HEAD, ...gutters, zoom: SCALE / devicePixelRatio };
  const plot = new uPlot(plotOptions({ spec }, size, palette, small), plotData(spec, width * SCALE), stage);
  // Without a batch uPlot would draw in a microtask, after the picture has been taken.
  plot.batch(() => plot.setScale('x', { min: spec.xRange[0], max: spec.xRange[1] }));
  ctx.drawImage(plot.ctx.canvas, x, y + HEAD, width, height - HEAD);
  if (!small && border !== null) drawBorder(ctx, plot, panel, palette, border);
  plot.destroy();
}

/** The rule between SFT and GRPO; the first lane names its sides. */
function drawBorder(ctx: CanvasRenderingContext2D, plot: uPlot, panel: Panel, palette: Palette, border: number): void {
  const perPixel = plot.ctx.canvas.width / panel.width;
  const x = panel.x + plot.valToPos(border, 'x', true) / perPixel;
  ctx.strokeStyle = palette.line2;
  ctx.lineWidth = 1;
  ctx.beginPath();
  ctx.moveTo(x, panel.y + HEAD);
  ctx.lineTo(x, panel.y + panel.height - (panel.spec.showX ? 26 : 0));
  ctx.stroke();
  if (panel.y !== TOP) return;
  ctx.font = "640 11px 'Inter Variable', system-ui, sans-serif";
  ctx.fillStyle = palette.loss;
  ctx.textAlign = 'right';
  ctx.fillText('SFT', x - 8, panel.y + 14);
  ctx.textAlign = 'left';
  ctx.fillStyle = palette.reward;
  ctx.fillText('GRPO', x + 8, panel.y + 14);
}
