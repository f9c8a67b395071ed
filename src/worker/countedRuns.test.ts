// The real host code at the real model's size, on a device that counts: presets by pictures and GPU memory.

import { beforeAll, it } from 'vitest';
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
  expectWithinBudget,
);
