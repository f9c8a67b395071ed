import { expect, test } from 'vitest';
import type { CheckpointRecord } from '../../storage/checkpointStore';
import type { RunRecord } from '../../storage/runs';
import { isResumable, missingEnd, positionOf, statusOf } from './runStatus';

const record = (state: string, rest: Partial<RunRecord> = {}): RunRecord => ({
  ...{ id: 'a', createdAt: 0, seed: 0, datasetId: '', datasetName: '', modelName: 'demo', recipe: {} },
  state,
  ...rest,
});
const checkpoint = (step: number): CheckpointRecord => ({ stage: 'sft', step, best: false }) as CheckpointRecord;
const nobody = new Set<string>();

test('a run that is recorded as running but that no tab holds was interrupted', () => {
  expect(statusOf(record('running'), nobody, null)).toBe('interrupted');
  expect(statusOf(record('running'), new Set(['a']), null)).toBe('elsewhere');
  expect(statusOf(record('running'), new Set(['a']), 'a')).toBe('here');
});

test('a run that was stopped early by an older version, recorded as finished, counts as stopped', () => {
  expect(statusOf(record('finished', { summary: { complete: false } }), nobody, null)).toBe('stopped');
  expect(statusOf(record('finished', { summary: { complete: true } }), nobody, null)).toBe('finished');
});

test('only a run that has not ended, that nobody holds and that has a checkpoint can go on', () => {
  const states = ['here', 'elsewhere', 'interrupted', 'stopped', 'failed', 'finished'] as const;
  const stopped = record('stopped');
  const resumable = states.filter((status) => isResumable(stopped, status, [checkpoint(1)]));
  expect(resumable).toEqual(['interrupted', 'stopped', 'failed']);
  expect(states.filter((status) => isResumable(stopped, status, []))).toEqual([]);
  expect(isResumable(record('finished'), 'stopped', [checkpoint(1)])).toBe(false);
});

test('the position is that of the newest checkpoint, else that of the result', () => {
  expect(positionOf(record('running'), [checkpoint(4), checkpoint(2)])).toEqual({ stage: 'sft', step: 4 });
  const summary = { stepsSft: 5, stepsGrpo: 3 };
  expect(positionOf(record('finished', { summary }), [])).toEqual({ stage: 'grpo', step: 3 });
  expect(positionOf(record('running'), [])).toBeNull();
});

test('a run whose page went away right after its result was recorded is shown with that result', () => {
  const summary = { complete: true };
  const open = { summary: null, lastSeq: 7, lastTime: 9 };
  expect(missingEnd(record('finished', { summary }), open)).toEqual([
    { type: 'state', state: 'finished', stage: null, runId: 'a', seq: 7, time: 9 },
    { type: 'finished', summary, runId: 'a', seq: 7, time: 9 },
  ]);
  expect(missingEnd(record('finished', { summary }), { ...open, summary: summary as never })).toEqual([]);
  // Stopped once, gone on with, and interrupted.
  expect(missingEnd(record('running', { summary }), open)).toEqual([]);
});
