// @vitest-environment node
// Which pictures of a tower that leaves are timed.

import { expect, test } from 'vitest';
import { afterFirstBatch } from './dryRunPictures';

test('the pictures of the first batch warm up, and those of the others are timed from its end', () => {
  // Batches of three, two and two pictures.
  const ends = [5, 5.001, 5.002, 6, 6.001, 7, 7.001];
  const { from, seconds } = afterFirstBatch(ends, 1);
  expect(from).toBe(3);
  expect(seconds).toBeCloseTo(7.001 - 5.002, 9);
});

test('pictures that go one by one are all timed but the first', () => {
  expect(afterFirstBatch([5, 6, 7.5], 1)).toEqual({ from: 1, seconds: 2.5 });
});

test('where there is one batch alone it is timed from its beginning', () => {
  expect(afterFirstBatch([5, 5.001], 1).from).toBe(0);
  expect(afterFirstBatch([5, 5.001], 1).seconds).toBeCloseTo(4.001, 9);
});
