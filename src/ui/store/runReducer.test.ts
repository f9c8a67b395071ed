import { expect, test } from 'vitest';
import type { RunEvent, RunEventBody } from '../../protocol/messages';
import { beginReduction, reduceRun } from './runReducer';
import { emptyRun } from './runView';

let seq = 0;
function event(body: RunEventBody, time = 1000, runId = 'run'): RunEvent {
  seq += 1;
  return { ...body, runId, seq, time };
}

function step(stage: 'sft' | 'grpo', number: number, loss: number): RunEvent {
  return event({ type: 'step', stage, step: number, steps: 10, metrics: { loss } });
}

test('steps of both stages are kept in order with their metrics and the planned counts', () => {
  const view = reduceRun(emptyRun('run'), [step('sft', 1, 0.5), step('sft', 2, 0.4), step('grpo', 1, 0.1)]);
  expect(view.points.map(({ stage, step: number, metrics }) => [stage, number, metrics['loss']])).toEqual([
    ['sft', 1, 0.5],
    ['sft', 2, 0.4],
    ['grpo', 1, 0.1],
  ]);
  expect(view.planned).toEqual({ sft: 10, grpo: 10 });
});

test('steps that a resumed run repeats replace the earlier ones, none is doubled', () => {
  const first = reduceRun(emptyRun('run'), [step('sft', 1, 0.5), step('sft', 2, 0.4), step('sft', 3, 0.3)]);
  const view = reduceRun(first, [step('sft', 2, 0.41), step('sft', 3, 0.31)]);
  expect(view.points.map(({ step: number, metrics }) => [number, metrics['loss']])).toEqual([
    [1, 0.5],
    [2, 0.41],
    [3, 0.31],
  ]);
});

test('a resumption takes back what came after its checkpoint, and the end that there was', () => {
  const evaluation = (when: 'during' | 'after_sft', stage: 'sft' | 'after_sft', number: number): RunEvent =>
    event({ type: 'evaluation', when, stage, step: number, result: {} as never, samples: [] });
  const groups = (number: number): RunEvent => event({ type: 'groups', step: number, groups: [] });
  const first = reduceRun(emptyRun('run'), [
    ...[
      step('sft', 1, 0.5),
      step('sft', 2, 0.4),
      evaluation('during', 'sft', 2),
      evaluation('after_sft', 'after_sft', 2),
    ],
    ...[groups(1), step('grpo', 1, 0.1), groups(2), step('grpo', 2, 0.2)],
    event({ type: 'error', error: { code: 'reward.threw', message: 'bad' } }),
    event({ type: 'state', state: 'failed', stage: 'grpo' }),
  ]);
  const second = reduceRun(first, [event({ type: 'resumed', stage: 'grpo', step: 1 })]);
  expect(second.points.map(({ stage, step: number }) => `${stage} ${number}`)).toEqual(['sft 1', 'sft 2', 'grpo 1']);
  expect([...second.groups.keys()]).toEqual([1]);
  expect(second.evaluations).toHaveLength(2);
  expect([second.error, second.state]).toEqual([null, 'loading']);
  const third = reduceRun(first, [event({ type: 'resumed', stage: 'sft', step: 1 })]);
  expect(third.points).toHaveLength(1);
  expect(third.evaluations).toHaveLength(0);
  expect(third.groups.size).toBe(0);
  expect(third.groupSteps).toEqual([]);
});

function groupsOf(number: number, ...inForm: boolean[]): RunEvent {
  const completions = inForm.map((value) => ({ inForm: value }));
  return event({ type: 'groups', step: number, groups: [{ completions }] as never });
}

test('a step’s rollouts are its groups together; repeated, they replace the earlier ones', () => {
  const first = reduceRun(emptyRun('run'), [groupsOf(1, true, false), groupsOf(1, true), step('grpo', 1, 0.1)]);
  expect(first.groups.get(1)).toHaveLength(2);
  expect(first.groupSteps).toMatchObject([{ step: 1, completions: 3, inForm: 2 }]);
  const again = reduceRun(first, [groupsOf(1, false), groupsOf(1, false), step('grpo', 1, 0.2)]);
  expect(again.groups.get(1)).toHaveLength(2);
  expect(again.groupSteps).toMatchObject([{ step: 1, completions: 2, inForm: 0 }]);
  expect(again.points.map(({ metrics }) => metrics['loss'])).toEqual([0.2]);
});

test('the completions of the newest 200 steps stay in memory, of older ones where to find them and how many', () => {
  const events = Array.from({ length: 205 }, (_, i) => [groupsOf(i + 1, true, false), step('grpo', i + 1, 0)]).flat();
  const view = reduceRun(emptyRun('run'), events);
  expect([...view.groups.keys()]).toEqual(Array.from({ length: 200 }, (_, i) => i + 6));
  expect(view.groupSteps).toHaveLength(205);
  expect(view.groupSteps[0]).toEqual({ step: 1, seqs: [events[0]!.seq], completions: 2, inForm: 1 });
});

test('a log taken in parts gives the view of the log taken at once', () => {
  const events = [step('sft', 1, 0.5), groupsOf(1, true), step('grpo', 1, 0.1), groupsOf(2, false)];
  const reduction = beginReduction(emptyRun('run'));
  for (const one of events) reduction.take([one]);
  expect(reduction.end()).toEqual(reduceRun(emptyRun('run'), events));
});

test('the time between a stop and the resumption is not counted as worked, nor are pauses', () => {
  const timed = (number: number, time: number): RunEvent =>
    event({ type: 'step', stage: 'sft', step: number, steps: 10, metrics: {} }, time);
  const view = reduceRun(emptyRun('run'), [
    event({ type: 'state', state: 'running', stage: 'sft' }, 1000),
    timed(1, 3000),
    event({ type: 'state', state: 'paused', stage: 'sft' }, 3000),
    event({ type: 'state', state: 'running', stage: 'sft' }, 4000),
    timed(2, 6000),
    event({ type: 'resumed', stage: 'sft', step: 2 }, 106_000),
    timed(3, 108_000),
  ]);
  expect(view.points.map(({ time }) => time - view.startedAt)).toEqual([2000, 4000, 6000]);
});

test('a run that another tab holds is shown as under way there, not as failed', () => {
  const view = reduceRun(emptyRun('run'), [
    event({ type: 'error', error: { code: 'run.locked', message: 'held' } }),
    event({ type: 'state', state: 'failed', stage: null }),
  ]);
  expect(view.state).toBe('elsewhere');
});

test('the newest checkpoint is kept', () => {
  const view = reduceRun(emptyRun('run'), [
    event({ type: 'checkpoint', stage: 'sft', step: 5, bytes: 10, best: false }, 7000),
  ]);
  expect(view.checkpoint).toEqual({ stage: 'sft', step: 5, time: 7000 });
});

test('events of another run change nothing', () => {
  const view = emptyRun('run');
  expect(reduceRun(view, [event({ type: 'state', state: 'running', stage: 'sft' }, 1, 'other')])).toBe(view);
});

test('a progress report leaves curves and groups identical, so that charts need no redraw', () => {
  const before = reduceRun(emptyRun('run'), [step('sft', 1, 0.5)]);
  const after = reduceRun(before, [
    event({
      type: 'progress',
      stage: 'sft',
      phase: 'backward',
      done: 1,
      total: 2,
      unit: 'rows',
      step: 2,
      steps: 10,
      etaSeconds: null,
    }),
  ]);
  expect(after.points).toBe(before.points);
  expect(after.groups).toBe(before.groups);
  expect(after.progress?.done).toBe(1);
});

test('the phases of a step are collected in order and forgotten at the next step', () => {
  const progress = (phase: 'generate' | 'score', number: number): RunEvent =>
    event({
      type: 'progress',
      stage: 'grpo',
      phase,
      done: 0,
      total: 4,
      unit: 'rows',
      step: number,
      steps: 10,
      etaSeconds: 5,
    });
  const first = reduceRun(emptyRun('run'), [progress('generate', 1), progress('generate', 1), progress('score', 1)]);
  expect(first.phases).toEqual(['generate', 'score']);
  expect(reduceRun(first, [progress('generate', 2)]).phases).toEqual(['generate']);
});

test('time spent paused is summed up', () => {
  const view = reduceRun(emptyRun('run'), [
    event({ type: 'state', state: 'running', stage: 'sft' }, 1000),
    event({ type: 'state', state: 'paused', stage: 'sft' }, 5000),
    event({ type: 'state', state: 'running', stage: 'sft' }, 8000),
  ]);
  expect([view.startedAt, view.pausedMs, view.pausedSince]).toEqual([1000, 3000, null]);
});

test('only the newest live answers are kept, newest first', () => {
  const sample = (text: string): RunEvent =>
    event({
      type: 'liveSample',
      stage: 'before',
      sample: { image: '', question: '', answer: '', text, inForm: false, right: false },
    });
  const view = reduceRun(
    emptyRun('run'),
    Array.from({ length: 20 }, (_, i) => sample(String(i))),
  );
  expect(view.live).toHaveLength(12);
  expect(view.live[0]?.sample.text).toBe('19');
});

test('how far the log is known goes back with a resumption, not with a refusal, which is in no log', () => {
  const known = reduceRun(emptyRun('run'), [
    { ...step('sft', 1, 0.5), seq: 6 },
    { ...step('sft', 2, 0.4), seq: 9 },
  ]);
  expect([emptyRun('run').lastSeq, known.lastSeq]).toEqual([-1, 9]);
  const refused = reduceRun(known, [
    { ...event({ type: 'error', error: { code: 'run.locked', message: 'held' } }), seq: 0 },
    { ...event({ type: 'state', state: 'failed', stage: null }), seq: 1 },
  ]);
  expect([refused.state, refused.lastSeq]).toEqual(['elsewhere', 9]);
  expect(reduceRun(known, [{ ...event({ type: 'resumed', stage: 'sft', step: 1 }), seq: 7 }]).lastSeq).toBe(7);
});
