// The small charts beside the timeline as specs, each with the figure in its head.

import type { Recipe } from '../../recipe/config';
import { fixed, percent, significant } from '../format';
import { fittedAxis, fixedAxis, type LineSpec } from './chartSpec';
import { latest, ofStage, type RunData } from './runData';
import { clippedChart, clipRatioChart, lengthChart, rewardCharts, zeroVarianceChart } from './smallGrpoSpecs';
import { curve, curves, endLabels, figure, NONE, startSpec, waitsFor, type SmallChart } from './smallParts';

export interface Ranges {
  /** Of charts that only SFT fills. */
  sft: [number, number];
  /** Of charts that only GRPO fills. */
  grpo: [number, number];
  /** Of charts that both stages fill. */
  both: [number, number];
}

/**
 * The small charts of a run, the ones to look at first in front. A chart of a stage that the run leaves out, or of a
 * metric that its steps do not report, is not among them.
 */
export function smallCharts(data: RunData, ranges: Ranges, recipe: Recipe): SmallChart[] {
  const grpo = data.view.planned.grpo !== 0;
  const sft = data.view.planned.sft !== 0;
  const { max_completion_length } = recipe.grpo;
  return [
    ...(grpo ? rewardCharts(data, ranges.grpo, recipe) : []),
    ...(grpo
      ? [lengthChart(data, ranges.grpo, max_completion_length), zeroVarianceChart(data, ranges.grpo, recipe)]
      : []),
    gradientChart(data, ranges.both, sft ? recipe.sft.max_grad_norm : recipe.grpo.max_grad_norm),
    stepTimeChart(data, ranges.both),
    ...(sft ? [accuracyChart(data, ranges.sft)] : []),
    entropyChart(data, ranges.both),
    learningRateChart(data, ranges.both),
    ...(grpo ? [clippedChart(data, ranges.grpo), ...clipRatioChart(data, ranges.grpo)] : []),
  ].filter(({ waits, spec }) => waits || spec.lines.some(({ values }) => values.some((value) => value !== null)));
}

function gradientChart(data: RunData, xRange: [number, number], clip: number): SmallChart {
  const values = data.column('gradNorm').raw;
  const y = fittedAxis([...values, clip], 2, true);
  return {
    key: 'gradient',
    title: 'Gradient norm',
    value: figure(data, 'gradNorm', fixed),
    unit: clip > 0 ? `clip ${clip.toFixed(1)}` : '',
    hint: 'grad_norm, before clipping',
    spec: {
      ...startSpec(data, xRange, y, curves(data, 'gradNorm', 'other'), 'both'),
      limit: clip > 0 ? { y: clip, label: '' } : null,
    },
    waits: waitsFor(data, 'both'),
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
    value: value === null ? NONE : significant(value),
    unit: '',
    hint: 'learning_rate of the last step',
    spec: startSpec(data, xRange, fittedAxis(raw, 2, true), lines, 'both'),
    waits: waitsFor(data, 'both'),
  };
}

function accuracyChart(data: RunData, xRange: [number, number]): SmallChart {
  const column = data.column('tokenAccuracy');
  // Accuracies lie close to each other near the top: from zero the curve would be flat.
  const low = column.raw.some((value) => value !== null && value < 0.5) ? 0 : 0.5;
  return {
    key: 'tokenAccuracy',
    title: 'Token accuracy',
    value: figure(data, 'tokenAccuracy', percent),
    unit: 'SFT',
    hint: 'mean_token_accuracy: labels that are the likeliest token',
    spec: startSpec(data, xRange, fixedAxis(low, 1, 2, percent), curve(column, 'loss'), 'sft'),
    waits: waitsFor(data, 'sft'),
  };
}

function entropyChart(data: RunData, xRange: [number, number]): SmallChart {
  const y = fittedAxis(data.column('entropy').raw, 2, true);
  return {
    key: 'entropy',
    title: 'Entropy',
    value: figure(data, 'entropy', fixed),
    unit: 'nats',
    hint: 'entropy of the next token, mean: in SFT over labels, in GRPO over completions',
    spec: startSpec(data, xRange, y, curves(data, 'entropy', 'other'), 'both'),
    waits: waitsFor(data, 'both'),
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
  const spec = startSpec(data, xRange, fittedAxis(total, 3, true), lines, 'both');
  const labels = endLabels(data, spec, [
    ['train', 0, 'other'],
    ['generate', 1, 'loss'],
  ]);
  return {
    key: 'time',
    title: 'Step time',
    value: figure(data, 'stepSeconds', (value) => fixed(value, value < 10 ? 1 : 0)),
    unit: 's',
    hint: split ? 'step_time; dark: generate' : 'step_time',
    spec: split ? { ...spec, endLabels: labels } : spec,
    waits: waitsFor(data, 'both'),
  };
}
