import { expect, test } from 'vitest';
import { summaryOf } from './test.mjs';
import { countsOf } from './vitestTier.mjs';

const NONE = { passed: 0, failed: 0, skipped: 3 };

test('a tier in which no test ran has failed, unless tests were chosen by name', () => {
  expect(countsOf(NONE, 0, false).failed).toBe(1);
  expect(countsOf(NONE, 0, true).failed).toBe(0);
});

test('what ends vitest without a failed test is a failure, by name too', () => {
  for (const named of [false, true]) {
    expect(countsOf(NONE, 1, named).failed).toBe(1);
    expect(countsOf(null, 0, named).failed).toBe(1);
  }
});

test('tests that are named fail when one of them does, or when none ran in any tier', () => {
  const tier = (name, passed, failed = 0) => ({ name, passed, failed, skipped: 0, seconds: 1 });
  expect(summaryOf([tier('node', 2), tier('browser', 0)]).code).toBe(0);
  expect(summaryOf([tier('node', 2), tier('browser', 0, 1)]).code).toBe(1);
  expect(summaryOf([tier('node', 0), tier('browser', 0)])).toMatchObject({
    code: 1,
    text: expect.stringMatching(/No test ran\.\n0 passed, 0 failed$/),
  });
});
