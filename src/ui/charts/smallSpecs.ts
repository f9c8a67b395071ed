// The small charts beside the timeline as specs, each with the figure in its head.

import type { Recipe } from '../../train/config';
import { fixed, percent, significant } from '../format';
import { fittedAxis, fixedAxis, type AxisSpec, type ChartSpec, type Ink, type LineSpec } from './chartSpec';
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
}

interface Ranges {
  /** Of charts that only GRPO fills. */
  grpo: [number, number];
  /** Of charts that both stages fill. */
  both: [number, number];
}

const none = '–';

/** All small charts of a run, in the order of the page. */
export function smallCharts(data: RunData, ranges: Ranges, recipe: Recipe): SmallChart[] {
  return [
    ...rewardCharts(data, ranges.grpo),
    lengthChart(data, ranges.grpo, recipe.grpo.max_completion_length),
    zeroVarianceChart(data, ranges.grpo, recipe),
    gradientChart(data, ranges.both, recipe.sft.max_grad_norm),
    learningRateChart(data, ranges.both),
    stepTimeChart(data, ranges.both),
    clippedChart(data, ranges.grpo),
  ];
}

function start(data: RunData, xRange: [number, number], y: AxisSpec, lines: LineSpec[], waits: boolean): ChartSpec {
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
    empty: filled ? null : { text: waits ? 'begins with GRPO' : 'begins with step 1', at: 0.5 },
  };
}

function curve(column: Column, ink: Ink): LineSpec[] {
  return [
    { values: column.raw, kind: 'raw', ink, scale: 'y' },
    { values: column.smooth, kind: 'smooth', ink, scale: 'y' },
  ];
}

/** Curves of a metric that both stages report, one a stage. */
function curves(data: RunData, name: ColumnName, ink: Ink): LineSpec[] {
  const column = data.column(name);
  return [...curve(ofStage(data, column, 'sft'), ink), ...curve(ofStage(data, column, 'grpo'), ink)];
}

/** Names of lines beside their newest values; none where the lines reach too far right to leave room. */
function endLabels(
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

function figure(data: RunData, name: ColumnName, format: (value: number) => string): string {
  const value = latest(data.column(name).smooth);
  return value === null ? none : format(value);
}

function rewardCharts(data: RunData, xRange: [number, number]): SmallChart[] {
  const names = data.rewards.length > 0 ? data.rewards : ['semantic', 'format'];
  return names.map((name) => {
    const column: ColumnName = `reward:${name}`;
    const values = data.column(column).raw;
    const unit = values.every((value) => value === null || (value >= 0 && value <= 1));
    const y = unit ? fixedAxis(0, 1, 2, (value) => value.toFixed(1)) : fittedAxis(values, 2, true);
    return {
      key: column,
      title: `${capital(name.replace(/_?reward$/, '').replaceAll('_', ' '))} reward`,
      value: figure(data, column, fixed),
      unit: unit ? 'of 1' : '',
      hint: `rewards/${name}/mean`,
      spec: start(data, xRange, y, curve(data.column(column), 'reward'), true),
    };
  });
}

function lengthChart(data: RunData, xRange: [number, number], limit: number): SmallChart {
  const mean = data.column('meanLength');
  const edge = (name: ColumnName): LineSpec => ({
    values: data.column(name).raw,
    kind: 'edge',
    ink: 'length-pale',
    scale: 'y',
  });
  const lines: LineSpec[] = [
    edge('maxLength'),
    edge('minLength'),
    { values: mean.smooth, kind: 'smooth', ink: 'length', scale: 'y' },
  ];
  const spec = start(
    data,
    xRange,
    fixedAxis(0, limit, 2, (value) => String(Math.round(value))),
    lines,
    true,
  );
  return {
    key: 'length',
    title: 'Length',
    value: figure(data, 'meanLength', (value) => fixed(value, 1)),
    unit: 'tokens, mean',
    hint: 'completions/mean_length, band from min_length to max_length',
    spec: {
      ...spec,
      band: { upper: 0, lower: 1, ink: 'length' },
      limit: { y: limit, label: 'limit' },
      endLabels: endLabels(data, spec, [
        ['most', 0, 'other'],
        ['mean', 2, 'length'],
        ['least', 1, 'other'],
      ]),
    },
  };
}

function zeroVarianceChart(data: RunData, xRange: [number, number], recipe: Recipe): SmallChart {
  const { raw } = data.column('zeroVariance');
  const { per_device_train_batch_size: batch, gradient_accumulation_steps: times, num_generations } = recipe.grpo;
  const perStep = (batch * times) / num_generations;
  const shares = raw.filter((value) => value !== null);
  const flat = Math.round(shares.reduce((sum, share) => sum + share * perStep, 0));
  const lines: LineSpec[] = [{ values: raw, kind: 'bars', ink: 'other', scale: 'y' }];
  return {
    key: 'zero',
    title: 'Zero variance',
    value: shares.length === 0 ? none : String(flat),
    unit: shares.length === 0 ? '' : `of ${Math.round(shares.length * perStep)}`,
    hint: 'frac_reward_zero_std: groups whose completions all got the same reward teach nothing',
    spec: start(data, xRange, fixedAxis(0, 1, 2, percent), lines, true),
  };
}

function gradientChart(data: RunData, xRange: [number, number], clip: number): SmallChart {
  const values = data.column('gradNorm').raw;
  const y = fittedAxis([...values, clip], 2, true);
  const spec = start(data, xRange, y, curves(data, 'gradNorm', 'other'), false);
  return {
    key: 'gradient',
    title: 'Gradient norm',
    value: figure(data, 'gradNorm', fixed),
    unit: clip > 0 ? `clip ${clip.toFixed(1)}` : '',
    hint: 'grad_norm, before clipping',
    spec: { ...spec, limit: clip > 0 ? { y: clip, label: '' } : null },
  };
}

function learningRateChart(data: RunData, xRange: [number, number]): SmallChart {
  const { raw } = data.column('learningRate');
  const value = latest(raw);
  const column = { raw, smooth: raw };
  const lines = (['sft', 'grpo'] as const).map((stage): LineSpec => {
    return { values: ofStage(data, column, stage).raw, kind: 'smooth', ink: 'other', scale: 'y' };
  });
  return {
    key: 'rate',
    title: 'Learning rate',
    value: value === null ? none : significant(value),
    unit: '',
    hint: 'learning_rate of the last step',
    spec: start(data, xRange, fittedAxis(raw, 2, true), lines, false),
  };
}

function stepTimeChart(data: RunData, xRange: [number, number]): SmallChart {
  const total = data.column('stepSeconds').raw;
  const generate = data.column('generateSeconds').raw;
  const split = generate.some((value) => value !== null);
  const lines: LineSpec[] = [
    { values: total, kind: 'bars', ink: split ? 'length-pale' : 'length', scale: 'y' },
    { values: generate, kind: 'bars', ink: 'loss', scale: 'y' },
  ];
  const spec = start(data, xRange, fittedAxis(total, 3, true), lines, false);
  return {
    key: 'time',
    title: 'Step time',
    value: figure(data, 'stepSeconds', (value) => fixed(value, value < 10 ? 1 : 0)),
    unit: 's',
    hint: split ? 'step_time; dark: generate' : 'step_time',
    spec: split
      ? {
          ...spec,
          endLabels: endLabels(data, spec, [
            ['train', 0, 'other'],
            ['generate', 1, 'loss'],
          ]),
        }
      : spec,
  };
}

function clippedChart(data: RunData, xRange: [number, number]): SmallChart {
  const { raw } = data.column('clipped');
  const lines: LineSpec[] = [{ values: raw, kind: 'bars', ink: 'other', scale: 'y' }];
  const value = latest(raw);
  return {
    key: 'clipped',
    title: 'Cut at limit',
    value: value === null ? none : percent(value),
    unit: '',
    hint: 'completions/clipped_ratio: completions that did not end by themselves',
    spec: start(data, xRange, fixedAxis(0, 1, 2, percent), lines, true),
  };
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
