import { expect, test } from 'vitest';
import { growthTable } from './growthTable.mjs';

const step = (step_time, peak) => ({ type: 'step', stage: 'sft', metrics: { step_time, 'gpu_memory/peak': peak } });

function run(size, scale) {
  const parts = [
    { name: 'before Start', seconds: 2, peak: { renderer: 500e6, gpu: 50e6 } },
    { name: 'loading', seconds: scale, peak: { renderer: 110e6, gpu: (50 + 10 * scale) * 1e6 } },
  ];
  const result = { baseline: { renderer: 100e6, gpu: 50e6 }, parts };
  return { size, result, events: [step(99, 1e6), step(scale, 20e6 * scale), step(3 * scale, 20e6)] };
}

test('a table gives each figure per size and how it grows, without the first step', () => {
  const lines = growthTable('rows', [run(100, 1), run(1600, 4)]).split('\n');
  const row = (name) =>
    lines
      .find((line) => line.includes(name))
      ?.trim()
      .split(/\s{2,}/);
  expect(row('rows')).toEqual(['rows', '100', '1600', 'factor']);
  expect(row('loading')).toEqual(['loading, s', '1.00', '4.00', '4.00']);
  expect(row('SFT step')).toEqual(['SFT step, s', '2.00', '8.00', '4.00']);
  expect(row('GRPO step')).toEqual(['GRPO step, s', '-', '-', '-']);
  expect(row('GPU by count')).toEqual(['GPU by count, MB', '20', '80', '4.00']);
  expect(row('GPU process')).toEqual(['GPU process, MB', '10', '40', '4.00']);
  expect(row('page process')).toEqual(['page process, MB', '10', '10', '1.00']);
});
