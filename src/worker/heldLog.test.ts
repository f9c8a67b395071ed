import { expect, test } from 'vitest';
import type { RunEvent } from '../protocol/messages';
import { createHeldLog } from './heldLog';

function event(seq: number): RunEvent {
  return { type: 'resumed', stage: 'sft', step: 0, runId: 'run', seq, time: 0 };
}

test('nothing is stored before the run goes on, and nothing that comes while it begins is lost', async () => {
  const stored: number[] = [];
  const coming = [event(2), event(3)];
  const log = createHeldLog(
    async (events) => {
      const next = coming.shift();
      if (next) await log.append([next]);
      stored.push(...events.map(({ seq }) => seq));
    },
    async () => {
      stored.length = 0;
      await log.append([event(1)]);
    },
  );
  await log.append([event(0)]);
  expect(stored).toEqual([]);
  await log.begin();
  await log.append([event(4)]);
  expect(stored).toEqual([0, 1, 2, 3, 4]);
});

test('events whose writing fails as the run begins still wait', async () => {
  const stored: number[] = [];
  let full = true;
  const log = createHeldLog(
    async (events) => {
      if (full) throw new Error('full');
      stored.push(...events.map(({ seq }) => seq));
    },
    async () => undefined,
  );
  await log.append([event(0)]);
  await expect(log.begin()).rejects.toThrow('full');
  full = false;
  await log.begin();
  expect(stored).toEqual([0]);
});
