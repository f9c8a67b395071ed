import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { changesTable, planTable, secondsTable, workTable } from './planTable.mjs';
import { showPlan } from './showPlan.mjs';

const NONE = {
  weights: 0,
  tower: 0,
  adapter: 0,
  activations: 0,
  workspace: 0,
  logits: 0,
  kv: 0,
  features: 0,
  staging: 0,
};
const LOAD = { phase: 'load', parts: { ...NONE, weights: 2.18e9, staging: 0.07e9 }, total: 2.25e9, rounding: 0 };
const SFT = { phase: 'sft', parts: { ...NONE, weights: 2.18e9, activations: 0.75e9 }, total: 2.93e9, rounding: 0.1e9 };
const PLAN = {
  phases: [LOAD, SFT],
  peak: SFT,
  usableBytes: 2.5e9,
  fits: false,
  host: { features: 1e9, rows: 0 },
  storage: { features: 0, checkpoints: 0.25e9 },
  work: [{ phase: 'sft', unit: 'step', count: 100, flops: { passes: 42e12, decode: 0 } }],
  flops: 4200e12,
};

const CHANGE = {
  set: [{ option: 'lora.r', value: 8 }],
  peakBytes: 2.4e9,
  bytes: -0.53e9,
  workRatio: 1.02,
  fits: true,
};

test('memory is told by phase and part, in gigabytes, after whether it fits', () => {
  expect(planTable({ plan: PLAN, gpuMemoryGb: 3 })).toBe(
    [
      'It does not fit: 2.93 GB at most (SFT step), 2.50 GB of 3 GB may be used (--gpu-memory).',
      '',
      'GPU memory, GB  weights  activations  staging  total',
      'Load               2.18                  0.07   2.25',
      'SFT step           2.18         0.75            2.93',
      '',
      'Chrome rounds buffers up by up to 100.00 MB more, out of what is kept free. ' +
        'Beside the GPU: 1.00 GB of memory, 250.00 MB of storage.',
    ].join('\n'),
  );
});

test('work is told per unit and in all, without a word of time', () => {
  expect(workTable(PLAN)).toContain('SFT step  100 steps       42.00');
  expect(workTable(PLAN)).toMatch(/\n\n4200 TFLOP in all\.$/);
});

const SECONDS = {
  begin: 42,
  loadKnown: true,
  phases: [{ phase: 'sft', unit: 'step', count: 100, unitSeconds: 7.25, seconds: 725 }],
  total: 767,
};

test('time is told per unit, by phase and in all', () => {
  expect(secondsTable(SECONDS)).toBe(
    [
      'Time                     units   each  in all',
      'Load and first uses                       42s',
      'SFT step             100 steps  7.3 s  12m 5s',
      '',
      'About 12m 47s in all on this GPU.',
    ].join('\n'),
  );
});

test('a time that could not be measured is said to be unknown', () => {
  expect(secondsTable(null)).toMatch(/is not known/);
  expect(secondsTable({ ...SECONDS, loadKnown: false })).toMatch(/12m 47s in all on this GPU, besides loading\.$/);
});

test('changes are told with what they save and cost', () => {
  expect(changesTable([CHANGE]).split('\n')[1]).toBe('"lora.r": 8         2.40       -0.53  x 1.02  fits');
});

test('a change of several options is told with all of them', () => {
  const set = [
    { option: 'sft.per_device_train_batch_size', value: 1 },
    { option: 'sft.gradient_accumulation_steps', value: 8 },
  ];
  const effect = { peakBytes: 2.4e9, bytes: -0.53e9, workRatio: 1, fits: true };
  expect(changesTable([{ set, ...effect }])).toContain(
    '\n"sft.per_device_train_batch_size": 1, "sft.gradient_accumulation_steps": 8  ',
  );
});

test.each([
  [true, 0],
  [false, 1],
])(
  'a plan that fits (%s) ends with exit code %d and its time, and one that does not with what to change',
  async (fits, code) => {
    const answer = { plan: { ...PLAN, fits }, gpuMemoryGb: 3, changes: fits ? [] : [CHANGE] };
    const lines = [];
    const answers = { plan: answer, measure: { ...answer, plan: { ...PLAN, fits, seconds: SECONDS } } };
    const session = {
      messages: new EventEmitter(),
      until: (work) => work,
      call: (name) => Promise.resolve(answers[name]),
    };
    const display = { line: (text) => lines.push(text), live: () => {} };
    expect(await showPlan(session, display, { model: null, data: null, adapter: null, resumed: false })).toBe(code);
    expect(lines.join('\n').includes('"lora.r": 8')).toBe(!fits);
    expect(lines.join('\n').includes('About 12m 47s')).toBe(fits);
  },
);
