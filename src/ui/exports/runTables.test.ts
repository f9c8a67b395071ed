import { expect, test } from 'vitest';
import type { RunEvent } from '../../protocol/messages';
import { reduceRun } from '../store/runReducer';
import { emptyRun } from '../store/runView';
import { completionsJsonl, metricsCsv } from './runTables';

test('the metrics table has one row per step, stages under one head', async () => {
  const csv = await metricsCsv({
    ...emptyRun('run'),
    points: [
      { stage: 'sft', step: 1, time: 0, metrics: { loss: 0.5 } },
      { stage: 'grpo', step: 1, time: 0, metrics: { loss: 0.1, reward: 1.25 } },
    ],
  });
  expect(await csv.text()).toBe('stage,step,loss,reward\nsft,1,0.5,\ngrpo,1,0.1,1.25\n');
});

test('completions come out in the order of steps, one JSON line each, with what they were scored', async () => {
  const completion = (text: string): object => ({
    text,
    length: 3,
    terminated: true,
    rewards: { semantic: 1, format: 0.5 },
    reward: 1.5,
    advantage: -0.2,
    inForm: false,
  });
  const group = { image: 'hash', imageName: 'a.png', question: 'Q?', answer: 'yes', rewardMean: 1, rewardStd: 0 };
  const reported = (step: number, text: string): RunEvent => ({
    type: 'groups',
    step,
    groups: [{ ...group, completions: [completion(text)] }] as never,
    runId: 'run',
    seq: step,
    time: 0,
  });
  const file = await completionsJsonl(reduceRun(emptyRun('run'), [reported(1, 'first'), reported(2, 'later')]));
  expect(file.missing).toBe(0);
  const lines = (await file.content.text())
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines.map((line) => [line['step'], line['text']])).toEqual([
    [1, 'first'],
    [2, 'later'],
  ]);
  expect(lines[0]).toEqual({
    step: 1,
    image: 'a.png',
    question: 'Q?',
    answer: 'yes',
    text: 'first',
    length: 3,
    terminated: true,
    rewards: { semantic: 1, format: 0.5 },
    reward: 1.5,
    advantage: -0.2,
  });
});
