// The small charts that only GRPO fills: rewards, lengths, groups without variance, cut completions, clipped ratios.

import type { Recipe } from '../../recipe/config';
import { fixed, percent } from '../format';
import { rewardsOf, rewardTitle } from '../recipe/rewards';
import { fittedAxis, fixedAxis, type LineSpec } from './chartSpec';
import { latest, type ColumnName, type RunData } from './runData';
import { curve, endLabels, figure, NONE, startSpec, waitsFor, type SmallChart } from './smallParts';

type Range = [number, number];

/** One chart a reward, under the names that the steps report; before there are any, the recipe's. */
export function rewardCharts(data: RunData, xRange: Range, recipe: Recipe): SmallChart[] {
  const own = rewardsOf(recipe);
  const names = data.rewards.length > 0 ? data.rewards : own.map(({ name }) => name);
  return names.map((name) => {
    const column: ColumnName = `reward:${name}`;
    const bounds = own.find((reward) => reward.name === name)?.bounds ?? null;
    const y = bounds
      ? fixedAxis(...bounds, 2, (value) => fixed(value, 1))
      : fittedAxis(data.column(column).raw, 2, false);
    const title = rewardTitle(name);
    return {
      key: column,
      title: title.length > 14 ? title : `${title} reward`,
      value: figure(data, column, fixed),
      unit: bounds && bounds[1] > 0 ? `of ${bounds[1]}` : '',
      hint: `rewards/${name}/mean`,
      spec: startSpec(data, xRange, y, curve(data.column(column), 'reward'), 'grpo'),
      waits: waitsFor(data, 'grpo'),
    };
  });
}

/** Mean length in a band from the shortest to the longest completion, under the limit. */
export function lengthChart(data: RunData, xRange: Range, limit: number): SmallChart {
  const edge = (name: ColumnName): LineSpec => {
    return { values: data.column(name).raw, kind: 'edge', ink: 'length-pale', scale: 'y' };
  };
  const mean: LineSpec = { values: data.column('meanLength').smooth, kind: 'smooth', ink: 'length', scale: 'y' };
  const y = fixedAxis(0, limit, 2, (value) => String(Math.round(value)));
  const spec = startSpec(data, xRange, y, [edge('maxLength'), edge('minLength'), mean], 'grpo');
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
    waits: waitsFor(data, 'grpo'),
  };
}

/** Share of groups without variance at each step, and how many there have been. */
export function zeroVarianceChart(data: RunData, xRange: Range, recipe: Recipe): SmallChart {
  const { raw } = data.column('zeroVariance');
  const { per_device_train_batch_size: batch, gradient_accumulation_steps: times, num_generations } = recipe.grpo;
  const perStep = (batch * times) / num_generations;
  const shares = raw.filter((value) => value !== null);
  const flat = Math.round(shares.reduce((sum, share) => sum + share * perStep, 0));
  const lines: LineSpec[] = [{ values: raw, kind: 'bars', ink: 'other', scale: 'y' }];
  return {
    key: 'zero',
    title: 'Zero variance',
    value: shares.length === 0 ? NONE : String(flat),
    unit: shares.length === 0 ? '' : `of ${Math.round(shares.length * perStep)}`,
    hint: 'frac_reward_zero_std: groups whose completions all got the same reward teach nothing',
    spec: startSpec(data, xRange, fixedAxis(0, 1, 2, percent), lines, 'grpo'),
    waits: waitsFor(data, 'grpo'),
  };
}

/** Share of completions that the limit cut. */
export function clippedChart(data: RunData, xRange: Range): SmallChart {
  const { raw } = data.column('clipped');
  const value = latest(raw);
  const lines: LineSpec[] = [{ values: raw, kind: 'bars', ink: 'other', scale: 'y' }];
  return {
    key: 'clipped',
    title: 'Cut at limit',
    value: value === null ? NONE : percent(value),
    unit: '',
    hint: 'completions/clipped_ratio: completions that did not end by themselves',
    spec: startSpec(data, xRange, fixedAxis(0, 1, 2, percent), lines, 'grpo'),
    waits: waitsFor(data, 'grpo'),
  };
}

/** Share of tokens whose probability ratio was clipped. None while all are zero, as when every rollout serves one step. */
export function clipRatioChart(data: RunData, xRange: Range): SmallChart[] {
  const column = data.column('clipRatio');
  if (!column.raw.some((value) => value !== null && value > 0)) return [];
  const share = (value: number): string => `${fixed(100 * value, 1)}%`;
  const spec = startSpec(data, xRange, fittedAxis(column.raw, 2, true, share), curve(column, 'other'), 'grpo');
  return [
    {
      key: 'clipRatio',
      title: 'Ratio clipped',
      value: figure(data, 'clipRatio', share),
      unit: 'of tokens',
      hint: 'clip_ratio/region_mean: tokens whose probability ratio left the clip range',
      spec,
      waits: false,
    },
  ];
}
