import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { RunEvent } from '../protocol/messages';
import { createRunReporter } from './runReporter';

// A clock that the test sets, as a user or a time server does; the other one only ever goes on.
let clock = 0;
let steady = 0;
beforeEach(() => {
  vi.spyOn(Date, 'now').mockImplementation(() => clock);
  vi.spyOn(performance, 'now').mockImplementation(() => steady);
});
afterEach(() => vi.restoreAllMocks());

function open(from?: Parameters<typeof createRunReporter>[4]) {
  const log: RunEvent[] = [];
  const append = async (events: RunEvent[]): Promise<void> => void log.push(...events);
  const reporter = createRunReporter(
    'run',
    append,
    () => undefined,
    () => null,
    from,
  );
  const note = async (): Promise<number> => {
    reporter.emit({ type: 'notice', level: 'info', code: 'x', message: '' });
    await reporter.settled();
    return log.at(-1)!.time;
  };
  return { note, log };
}

test('a clock that is set back or forth while a run trains moves no time in its log', async () => {
  clock = 1_000_000;
  const { note } = open();
  expect(await note()).toBe(1_000_000);
  steady += 500;
  clock -= 3_600_000;
  expect(await note()).toBe(1_000_500);
  steady += 500;
  clock += 86_400_000;
  expect(await note()).toBe(1_001_000);
});

test('a log that goes on under a slower clock begins where it ended', async () => {
  clock = 400;
  const { note, log } = open({ seq: 7, seconds: {}, time: 1_000_000 });
  expect(await note()).toBe(1_000_000);
  steady += 20;
  expect(await note()).toBe(1_000_020);
  expect(log.map(({ seq }) => seq)).toEqual([7, 8]);
});
