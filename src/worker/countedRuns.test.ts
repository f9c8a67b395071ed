// The real host code at the real model's size, on a device that counts: presets by pictures and GPU memory.

import { beforeAll, expect, it } from 'vitest';
import { defineGpuConstants } from '../gpu/testing/countingDevice';
import { expectWithinBudget, table } from './testing/countedRun';

beforeAll(defineGpuConstants);

it.each(
  table({
    presets: ['balanced', 'memory-tight', 'mmherc'],
    sides: [24, 36],
    counts: [100],
    gigabytes: [12, 24],
  }),
)(
  'a 3B run stays within its budget and gives all back: $preset, pictures of $side patches a side, $gigabytes GB',
  async (run) => {
    await expectWithinBudget(run);
  },
);

it('a 3B run whose vision tower leaves the GPU stays within 4 GB and gives all back', async () => {
  const { decisions, fits } = await expectWithinBudget({ preset: 'mmherc', side: 36, count: 100, gigabytes: 4 });
  expect(decisions).toMatchObject({ towerStays: false, storage: 'nf4' });
  expect(fits).toBe(true);
});
