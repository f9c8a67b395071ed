import { expect, test } from 'vitest';
import { emptyRun } from '../store/runView';
import { completionsJsonl, metricsCsv } from './runTables';

test('the metrics table has one row per step, stages under one head', () => {
  const csv = metricsCsv({
    ...emptyRun('run'),
    points: [
      { stage: 'sft', step: 1, time: 0, metrics: { loss: 0.5 } },
      { stage: 'grpo', step: 1, time: 0, metrics: { loss: 0.1, reward: 1.25 } },
    ],
  });
  expect(csv).toBe('stage,step,loss,reward\nsft,1,0.5,\ngrpo,1,0.1,1.25\n');
});

test('completions come out in the order of steps, one JSON line each, with what they were scored', () => {
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
  const groups = (text: string): never => [{ ...group, completions: [completion(text)] }] as never;
  const text = completionsJsonl({
    ...emptyRun('run'),
    groups: new Map([
      [2, groups('later')],
      [1, groups('first')],
    ]),
  });
  const lines = text
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
