import { expect, test } from 'vitest';
import { comparison, comparisonTable, grpoWithoutGradient } from './planned.mjs';

const step = (stage, peak, gradNorm = 1) => ({
  type: 'step',
  stage,
  metrics: { 'gpu_memory/peak': peak, grad_norm: gradNorm },
});

const PLAN = {
  phases: [
    { phase: 'load', total: 100e6, rounding: 5e6 },
    { phase: 'sft', total: 200e6, rounding: 0 },
    { phase: 'rollout', total: 150e6, rounding: 0 },
    { phase: 'grpo', total: 180e6, rounding: 20e6 },
  ],
};

const TIMELINE = {
  baseline: { gpu: 10e6, renderer: 50e6 },
  parts: [
    { name: 'loading', seconds: 1, peak: { gpu: 115e6, renderer: 150e6 } },
    { name: 'sft: backward', seconds: 1, peak: { gpu: 220e6, renderer: 60e6 } },
    { name: 'sft: save', seconds: 1, peak: { gpu: 900e6, renderer: 60e6 } },
    { name: 'grpo: generate', seconds: 1, peak: { gpu: 151e6, renderer: 70e6 } },
    { name: 'grpo: backward', seconds: 1, peak: {} },
  ],
};

test('each phase of the plan stands beside what the engine counted and what the processes grew by', () => {
  const events = [step('sft', 199e6), step('sft', 201e6), step('grpo', 179e6)];
  expect(comparison(PLAN, TIMELINE, events)).toEqual([
    { phase: 'load', planned: 100e6, rounding: 5e6, counted: null, gpu: 105e6, renderer: 100e6 },
    { phase: 'sft', planned: 200e6, rounding: 0, counted: 201e6, gpu: 210e6, renderer: 10e6 },
    { phase: 'rollout', planned: 150e6, rounding: 0, counted: 179e6, gpu: 141e6, renderer: 20e6 },
    { phase: 'grpo', planned: 180e6, rounding: 20e6, counted: 179e6, gpu: null, renderer: null },
  ]);
});

test('the table says how far the GPU process is from the plan with what Chrome rounds up', () => {
  const lines = comparisonTable(comparison(PLAN, TIMELINE, [])).split('\n');
  expect(lines[1]).toMatch(/load +100 +- +105 +105 +\+0\.0% +100$/);
  expect(lines[2]).toMatch(/sft +200 +- +200 +210 +\+5\.0% +10$/);
  expect(lines[3]).toMatch(/rollout +150 +- +150 +141 +-6\.0% +20$/);
  expect(lines[4]).toMatch(/grpo +180 +- +200 +- +- +-$/);
});

test('a GRPO whose every gradient is zero is found, one without steps or with one gradient is not', () => {
  expect(grpoWithoutGradient([step('sft', 1, 0), step('grpo', 1, 0)])).toBe(true);
  expect(grpoWithoutGradient([step('grpo', 1, 0), step('grpo', 1, 0.5)])).toBe(false);
  expect(grpoWithoutGradient([step('sft', 1, 0)])).toBe(false);
});
