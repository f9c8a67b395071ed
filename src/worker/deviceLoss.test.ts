// @vitest-environment node
// What is told of a failure: a stop is no failure, and nothing is waited for before it is told.

import { expect, test } from 'vitest';
import type { Gpu } from '../gpu/gpu';
import { StopRequested } from '../train/control';
import { causeOf } from './deviceLoss';

test('a stop is told at once: whether the device is lost is not asked', async () => {
  const stop = new StopRequested();
  const asked = new Proxy({}, { get: () => expect.unreachable('the device was asked') });
  expect(await causeOf(asked as Gpu, stop)).toBe(stop);
});
