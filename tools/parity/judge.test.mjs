import { expect, test } from 'vitest';
import { apart, BOUNDS, FLOOR, judgeRun } from './judge.mjs';

const STEP = {
  trl: { loss: 0.5, grad_norm: 2, kl: 0.25, step_time: 3 },
  ours: { loss: 0.5, grad_norm: 2, kl: 0.25, step_time: 9 },
  adapter: { worst: 0, tensor: '', whole: 0 },
};
const FACT = { name: 'order of rows', same: true, detail: 'all steps' };

const runOf = (change = {}, facts = [FACT]) => ({ facts, steps: [STEP, { ...STEP, ...change }] });

test('a run with equal figures has no failures, whatever its wall time', () => {
  const { worst, failures } = judgeRun(runOf());
  expect(worst).toEqual({ loss: 0, grad_norm: 0, adapter: 0 });
  expect(failures).toEqual([]);
});

test('each figure fails beyond its bound, and says how far it is', () => {
  const beyond = (name) => STEP.trl[name] * (1 + 2 * BOUNDS[name]);
  const ours = { ...STEP.ours, loss: beyond('loss'), grad_norm: beyond('grad_norm'), kl: 0.3 };
  const adapter = { worst: 2 * BOUNDS.adapter, tensor: 'x', whole: 0 };
  const { failures } = judgeRun(runOf({ ours, adapter }));
  expect(failures.map((failure) => failure.split(' ')[0])).toEqual(['loss', 'grad_norm', 'adapter', 'kl']);
});

test('a figure that is not a number fails', () => {
  expect(judgeRun(runOf({ ours: { ...STEP.ours, loss: NaN } })).failures).toHaveLength(1);
  expect(judgeRun(runOf({ adapter: { worst: NaN, tensor: 'x', whole: NaN } })).failures).toHaveLength(1);
});

test('a fact that differs, a metric that we lack and a run without steps are failures', () => {
  const ours = { loss: 0.5, grad_norm: 2 };
  const run = runOf({ ours }, [{ ...FACT, same: false, detail: '[0]: 1, TRL 2' }]);
  expect(judgeRun(run).failures).toEqual(['order of rows differ: [0]: 1, TRL 2', 'TRL logs kl, we do not']);
  expect(judgeRun({ facts: [FACT], steps: [] }).failures).toEqual(['there are no steps']);
});

test('a difference near zero is measured against the floor', () => {
  expect(apart(1e-8, -1e-8, FLOOR)).toBeCloseTo(2e-7, 12);
  expect(apart(1.1, 1)).toBeCloseTo(0.1, 12);
});
