// @vitest-environment node
// The clock of a dry run: how long it repeats work, and what it passes on.

import { expect, test, vi } from 'vitest';
import type { NoticeEvent } from '../protocol/messages';
import { createDryClock } from './dryRunClock';

const told: NoticeEvent[] = [];

function clockOf() {
  return createDryClock({ isStopped: () => false, show: () => undefined, notice: (event) => void told.push(event) });
}

test('work that says it takes no time is repeated a bounded number of times', async () => {
  let times = 0;
  const { total } = await clockOf().steady(() => {
    times++;
    return Promise.resolve({ total: 0 });
  });
  expect(total).toBe(0);
  expect(times).toBeGreaterThan(1);
  expect(times).toBeLessThan(1000);
});

test('work whose own times leave out most of what passes ends by the time that passes', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  try {
    let times = 0;
    await clockOf().steady(() => {
      times++;
      vi.advanceTimersByTime(2000);
      return Promise.resolve({ total: 0.001 });
    });
    expect(times).toBeLessThan(10);
  } finally {
    vi.useRealTimers();
  }
});

test('the mean is that of all repeats after the first, and what the first took longer is of first use', async () => {
  const clock = clockOf();
  const totals = [5, 0.75, 0.25];
  const { total, passes } = await clock.steady(() => {
    const own = totals.shift()!;
    return Promise.resolve({ total: own, passes: own / 5 });
  });
  expect([total, passes, clock.firstUse]).toEqual([0.5, 0.1, 4.5]);
});

test('steps are summed up, and notices go to whoever makes the dry run', () => {
  const { reporter } = clockOf();
  const step = { type: 'step', stage: 'sft', step: 1, steps: 3 } as const;
  const own = clockOf();
  own.reporter.emit({ ...step, metrics: { step_time: 2, loss: 1 } });
  own.reporter.emit({ ...step, step: 2, metrics: { step_time: 3, loss: 1 } });
  expect(own.metrics['step_time']).toBe(5);
  const notice: NoticeEvent = { type: 'notice', level: 'warning', code: 'base.copyBroken', message: 'It is damaged.' };
  reporter.emit(notice);
  expect(told).toEqual([notice]);
});
