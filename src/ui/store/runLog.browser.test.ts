import { beforeEach, expect, test } from 'vitest';
import type { RunEvent, RunEventBody } from '../../protocol/messages';
import { appendEvents, deleteRun, truncateEvents } from '../../storage/runs';
import { completionsJsonl } from '../exports/runTables';
import { readGroups, readLog } from './runLog';
import { reduceRun } from './runReducer';
import { emptyRun } from './runView';

const STEPS = 230;

function event(seq: number, body: RunEventBody): RunEvent {
  return { ...body, runId: 'run', seq, time: 1000 + seq };
}

function groupsOf(step: number): RunEventBody {
  const scores = { length: 3, terminated: true, rewards: { format: 1 }, reward: 1, advantage: 0, inForm: true };
  const group = { image: 'hash', imageName: 'a.png', question: 'Q?', answer: 'yes', rewardMean: 1, rewardStd: 0 };
  return { type: 'groups', step, groups: [{ ...group, completions: [{ text: `said at ${step}`, ...scores }] }] };
}

const log = Array.from({ length: STEPS }, (_, i) => i + 1).flatMap((step) => [
  event(2 * step, groupsOf(step)),
  event(2 * step + 1, { type: 'step', stage: 'grpo', step, steps: STEPS, metrics: { loss: step } }),
]);

beforeEach(async () => {
  await deleteRun('run');
  await appendEvents('run', log);
});

test('a log read in batches gives the view that its events give at once, and says how far it is', async () => {
  const shares: number[] = [];
  const view = await readLog(emptyRun('run'), { progress: (share) => shares.push(share) });
  expect(view).toEqual(reduceRun(emptyRun('run'), log));
  expect(shares.length).toBeGreaterThan(10);
  expect(shares).toEqual([...shares].sort((a, b) => a - b));
  expect(shares.at(-1)).toBe(1);
});

test('a view goes on from where it stands, up to a resumption', async () => {
  const half = await readLog(emptyRun('run'), { beforeSeq: 100 });
  expect([half.lastSeq, half.points.length]).toEqual([99, 49]);
  expect(await readLog(half, { fromSeq: half.lastSeq + 1 })).toEqual(reduceRun(emptyRun('run'), log));
  const whole = await readLog(emptyRun('run'));
  expect(await readLog(whole, { fromSeq: whole.lastSeq + 1 })).toBe(whole);
});

test('the completions of a step that memory has let go are those of the log', async () => {
  const view = await readLog(emptyRun('run'));
  const [first] = view.groupSteps;
  expect(view.groups.has(1)).toBe(false);
  expect((await readGroups('run', first!))?.[0]?.completions[0]?.text).toBe('said at 1');
});

test('the file of completions has every step; one that was never stored is counted as missing', async () => {
  const view = await readLog(emptyRun('run'));
  const { content, missing } = await completionsJsonl(view);
  const steps = (await content.text()).trimEnd().split('\n');
  expect(missing).toBe(0);
  expect(steps.map((line) => (JSON.parse(line) as { text: string }).text)).toEqual(
    Array.from({ length: STEPS }, (_, i) => `said at ${i + 1}`),
  );
  // As when the log could not be written: the newest steps are in memory alone, older ones nowhere.
  await truncateEvents('run', 40);
  const rest = await completionsJsonl(view);
  expect(rest.missing).toBe(30 - 19);
  expect((await rest.content.text()).trimEnd().split('\n')).toHaveLength(STEPS - rest.missing);
});
