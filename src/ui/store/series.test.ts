import { expect, test } from 'vitest';
import type { EvaluationEvent, Stage } from '../../protocol/messages';
import { emptyRun, type EvaluationPoint, type RunView } from './runView';
import { evaluationStep, formatCompliance, rewardNames, smooth, stepOnAxis, workedMs } from './series';

test('smoothing is debiased: a constant stays itself from the first value on', () => {
  expect(smooth([2, 2, 2]).map((value) => value?.toFixed(12))).toEqual(Array(3).fill('2.000000000000'));
});

test('smoothing at 0.6 equals the debiased moving average written out', () => {
  // By hand: (1*0.4*0.6 + 4*0.4) / (1 - 0.36) and (1*0.4*0.36 + 4*0.4*0.6 + 2*0.4) / (1 - 0.216).
  const [first, second, third] = smooth([1, 4, 2]);
  expect(first).toBeCloseTo(1, 12);
  expect(second).toBeCloseTo(1.84 / 0.64, 12);
  expect(third).toBeCloseTo(1.904 / 0.784, 12);
});

test('missing and infinite values are passed over without breaking the average', () => {
  const [before, first, gap, second, after] = smooth([null, 3, NaN, 3, Infinity]);
  expect([before, gap, after]).toEqual([null, null, null]);
  expect(first).toBeCloseTo(3, 12);
  expect(second).toBeCloseTo(3, 12);
});

test('GRPO steps follow the planned SFT steps on one axis', () => {
  const view = { planned: { sft: 30, grpo: 20 } };
  expect([stepOnAxis(view, 'sft', 7), stepOnAxis(view, 'grpo', 1)]).toEqual([7, 31]);
  expect(stepOnAxis({ planned: { sft: 0, grpo: 20 } }, 'grpo', 1)).toBe(1);
});

test('evaluations lie at the start, at the border, within a stage and at the end', () => {
  const view = { planned: { sft: 30, grpo: 20 } };
  const at = (when: EvaluationEvent['when'], stage: Stage, step: number): number =>
    evaluationStep(view, { when, stage, step } as EvaluationPoint);
  expect([
    at('before', 'before', 0),
    at('during', 'sft', 10),
    at('after_sft', 'after_sft', 30),
    at('during', 'grpo', 5),
    at('after_grpo', 'after_grpo', 20),
  ]).toEqual([0, 10, 30, 35, 50]);
});

test('format compliance is the reported metric, or counted from the groups', () => {
  const view = { groupSteps: [{ step: 1, seqs: [4], completions: 4, inForm: 2 }] };
  const point = { stage: 'grpo' as const, step: 1, time: 0, metrics: {} };
  expect(formatCompliance(view, point)).toBe(0.5);
  expect(formatCompliance(view, { ...point, metrics: { format_compliance: 0.25 } })).toBe(0.25);
  expect(formatCompliance(view, { ...point, step: 2 })).toBeNull();
});

test('rewards are found by their names in the metrics', () => {
  const metrics = { reward: 1, 'rewards/semantic/mean': 0.5, 'rewards/semantic/std': 0.1, 'rewards/format/mean': 0.5 };
  expect(rewardNames([{ stage: 'grpo', step: 1, time: 0, metrics }])).toEqual(['semantic', 'format']);
});

test('worked time stands still in a pause and after the end', () => {
  const view: RunView = { ...emptyRun('run'), state: 'running', startedAt: 1000, lastTime: 9000, pausedMs: 2000 };
  expect(workedMs(view, 11_000)).toBe(8000);
  expect(workedMs({ ...view, state: 'paused', pausedSince: 9000 }, 60_000)).toBe(6000);
  expect(workedMs({ ...view, state: 'finished' }, 60_000)).toBe(6000);
});
