import { expect, test } from 'vitest';
import { fromErrorRecord, LorikeetError, toErrorRecord } from './errors';

test('an error that crosses a worker keeps code, message, hint and detail', () => {
  const error = new LorikeetError('reward.threw', 'it threw', 'mend it', { reward: 'mine' });
  const record = structuredClone(toErrorRecord(error));
  expect(record).toEqual({ code: 'reward.threw', message: 'it threw', hint: 'mend it', detail: { reward: 'mine' } });
  expect(toErrorRecord(fromErrorRecord(record))).toEqual(record);
});

test('what an error does not have its record does not have either', () => {
  expect(Object.keys(toErrorRecord(new LorikeetError('a.b', 'c')))).toEqual(['code', 'message']);
});
