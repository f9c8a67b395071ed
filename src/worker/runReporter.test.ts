import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LorikeetError } from '../base/errors';
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
    await reporter.stored();
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

/** A reporter whose log takes nothing while `disk.full`, what is stored, and what the page saw. */
function openOnDisk() {
  const disk = { full: false };
  const stored = new Map<number, RunEvent>();
  const shown: RunEvent[] = [];
  const append = async (events: RunEvent[]): Promise<void> => {
    if (disk.full) throw new LorikeetError('storage.quota', 'no room');
    for (const event of events) stored.set(event.seq, event);
  };
  const show = (event: RunEvent): void => void shown.push(event);
  const reporter = createRunReporter('run', append, show, () => null);
  const step = (step: number): void => reporter.emit({ type: 'step', stage: 'sft', step, steps: 99, metrics: {} });
  return { disk, stored, shown, reporter, step };
}
const codesOf = (events: Iterable<RunEvent>): string[] =>
  [...events].flatMap((event) => (event.type === 'notice' ? [event.code] : []));

test('what a full disk did not take of the log is stored once it takes something again, and both are said once', async () => {
  const { disk, stored, shown, reporter, step } = openOnDisk();
  step(1);
  await reporter.stored();
  disk.full = true;
  for (let i = 2; i <= 40; i++) step(i);
  await expect(reporter.stored()).rejects.toMatchObject({ code: 'storage.quota' });
  expect(stored.size).toBe(1);
  disk.full = false;
  step(41);
  expect(await reporter.stored()).toBe(43);
  expect([...stored.keys()].sort((a, b) => a - b)).toEqual(Array.from({ length: 43 }, (_, seq) => seq));
  expect(codesOf(stored.values())).toEqual(['storage.log', 'storage.logWritten']);
  expect(codesOf(shown)).toEqual(['storage.log', 'storage.logWritten']);
  expect(shown.length).toBe(43);
});

test('nothing counts on a log that lacks something: whoever waits for it hears why, and what was missing is tried again', async () => {
  const { disk, stored, reporter, step } = openOnDisk();
  disk.full = true;
  step(1);
  await expect(reporter.stored()).rejects.toMatchObject({ code: 'storage.quota' });
  await expect(reporter.stored()).rejects.toMatchObject({ code: 'storage.quota' });
  disk.full = false;
  expect(await reporter.stored()).toBe(3);
  expect(stored.size).toBe(3);
});
