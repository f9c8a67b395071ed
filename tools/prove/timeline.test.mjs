import { expect, test } from 'vitest';
import { createTimeline, growth, timelineTable } from './timeline.mjs';

/** A run of seven seconds: waits, loads, trains, saves, trains again. */
function example() {
  const timeline = createTimeline(0);
  timeline.sample({ renderer: 80e6, gpu: 10e6 });
  timeline.sample({ renderer: 100e6, gpu: 20e6 });
  timeline.event({ type: 'state', stage: null, state: 'loading' }, 1000);
  timeline.sample({ renderer: 300e6, gpu: 20e6 });
  timeline.event({ type: 'progress', stage: 'before', phase: 'encode' }, 1500);
  timeline.event({ type: 'progress', stage: 'before', phase: 'load' }, 2000);
  timeline.sample({ renderer: 250e6, gpu: 900e6 });
  timeline.event({ type: 'notice' }, 2500);
  timeline.event({ type: 'state', stage: 'sft', state: 'running' }, 3000);
  timeline.event({ type: 'progress', stage: 'sft', phase: 'backward' }, 3000);
  timeline.sample({ renderer: 150e6, gpu: 1000e6 });
  timeline.event({ type: 'progress', stage: 'sft', phase: 'save' }, 5000);
  timeline.event({ type: 'progress', stage: 'sft', phase: 'backward' }, 6000);
  timeline.sample({ renderer: 400e6, gpu: 950e6 });
  return timeline.end(7000);
}

test('time and peaks are kept by part of the run, and a part that comes again goes on', () => {
  const { baseline, parts } = example();
  expect(baseline).toEqual({ renderer: 100e6, gpu: 20e6 });
  expect(parts.map(({ name, seconds, peak }) => [name, seconds, peak.renderer, peak.gpu])).toEqual([
    ['before Start', 1, 100e6, 20e6],
    ['loading', 2, 300e6, 900e6],
    ['sft', 0, undefined, undefined],
    ['sft: backward', 3, 400e6, 1000e6],
    ['sft: save', 1, undefined, undefined],
  ]);
});

test('growth is counted from the last sample before Start, over the whole run or until the weights are loaded', () => {
  expect(growth(example(), 'renderer')).toBe(300e6);
  expect(growth(example(), 'renderer', { loading: true })).toBe(200e6);
  expect(growth(example(), 'gpu')).toBe(980e6);
});

test('the table has a line per part, with the peaks above Start', () => {
  const lines = timelineTable(example(), ['renderer', 'gpu']).split('\n');
  expect(lines).toHaveLength(6);
  expect(lines[2]).toMatch(/loading +2\.0 +200 +880$/);
  expect(lines[3]).toMatch(/sft +0\.0 +- +-$/);
});
