// A run at the 3B model's size on a counting device, held against its budget. For tests only.

import { expect } from 'vitest';
import type { Budget } from '../../budgets/budgets';
import { createGpu } from '../../gpu/gpu';
import { createCountingDevice } from '../../gpu/testing/countingDevice';
import { CONFIG_3B } from '../../model/testing/config3b';
import { zeroWeights } from '../../model/testing/zeroWeights';
import { presets } from '../../recipe/presets';
import { finishedDecoding } from './finishedDecoding';
import { shortened, syntheticRun } from './syntheticRun';

export interface Counted {
  preset: keyof typeof presets;
  /** Patches a side of the rows' pictures. */
  side: number;
  /** Training rows. */
  count: number;
  /** GPU memory that the user chose. */
  gigabytes: number;
}

const NEW_TOKENS = 8;
/** Before a device's rate is known. */
const FIRST_BUDGET = 50e9;
const HOST_COPY = 64 * 2 ** 20;

/** Every combination of these. */
export function table(of: {
  presets: (keyof typeof presets)[];
  sides: number[];
  counts: number[];
  gigabytes: number[];
}): Counted[] {
  return of.presets.flatMap((preset) =>
    of.sides.flatMap((side) =>
      of.counts.flatMap((count) => of.gigabytes.map((gigabytes) => ({ preset, side, count, gigabytes }))),
    ),
  );
}

/** Runs it and holds that it stays within its budget and gives all back. @returns the budget @throws what does not hold */
export async function expectWithinBudget({ preset, side, count, gigabytes }: Counted): Promise<Budget> {
  const counting = createCountingDevice({ adapterClass: 'gpu', content: finishedDecoding(NEW_TOKENS) });
  const gpu = createGpu(counting.device, { info: counting.info });
  const { phases, budget } = await syntheticRun(gpu, {
    config: CONFIG_3B,
    weights: zeroWeights(CONFIG_3B),
    recipe: shortened(presets[preset], NEW_TOKENS),
    rows: { count, promptText: 60, target: 40, picture: [side, side] },
    validationRows: 8,
    gpuBytes: gigabytes * 2 ** 30,
  });
  const report = counting.report();
  expect(report).toMatchObject({ freedTwice: 0, usedAfterFree: 0 });
  // What does not fit is said before and tried all the same: then it must take what was planned at most.
  const most = budget.fits ? budget.usable : Math.max(...Object.values(budget.peaks));
  for (const { phase, memory } of phases) {
    expect(memory.peak.total, `${phase}: ${JSON.stringify(memory.peak.bytes)}`).toBeLessThanOrEqual(most);
  }
  // Every dispatch of a model of this size can be cut below the budget.
  expect(gpu.rec.counts().largestFlops).toBeLessThanOrEqual(FIRST_BUDGET);
  expect(report.largestHostCopy).toBeLessThanOrEqual(HOST_COPY);
  expect(gpu.memory().bytes).toMatchObject({ workspace: 0, kv: 0, features: 0, idle: 0, staging: 0 });
  expect(report.liveBytes).toBe(gpu.memory().total);
  return budget;
}
