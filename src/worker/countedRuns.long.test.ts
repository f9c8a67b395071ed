// The grid of countedRuns.test.ts: datasets up to 10,000 rows, pictures up to 1,288 pixels a side, GPUs from 4 GB on.

import { beforeAll, it } from 'vitest';
import { defineGpuConstants } from '../gpu/testing/countingDevice';
import { expectWithinBudget, table } from './testing/countedRun';

beforeAll(defineGpuConstants);

it.each([
  ...table({ presets: ['balanced', 'mmherc'], sides: [24], counts: [1000, 10_000], gigabytes: [12, 24] }),
  ...table({ presets: ['balanced', 'memory-tight', 'mmherc'], sides: [36], counts: [30], gigabytes: [4, 6, 8] }),
  ...table({ presets: ['memory-tight', 'mmherc'], sides: [48, 92], counts: [100], gigabytes: [12, 24] }),
])(
  'a 3B run stays within its budget and gives all back: $preset, $side patches a side, $count rows, $gigabytes GB',
  async (run) => {
    await expectWithinBudget(run);
  },
);
