// @vitest-environment node
import { expect, it } from 'vitest';
import { planParts } from './matrixParts';

const MB = 2 ** 20;

it('keeps a matrix whole that one binding holds', () => {
  const plans = planParts('q', { rows: [2048, 256, 256], columns: 2048, storage: 'bf16' }, 128 * MB);
  expect(plans).toEqual([
    {
      firstRow: 0,
      rows: 2560,
      segments: [
        { tensor: 0, from: 0, count: 2048 * 2048, to: 0 },
        { tensor: 1, from: 0, count: 256 * 2048, to: 2048 * 2048 },
        { tensor: 2, from: 0, count: 256 * 2048, to: 2304 * 2048 },
      ],
    },
  ]);
});

it('cuts the head of the 3B model by whole tiles of 128 rows for a binding of 512 MiB', () => {
  const plans = planParts('head', { rows: [151_936], columns: 2048, storage: 'bf16' }, 512 * MB);
  expect(plans.map(({ firstRow, rows }) => [firstRow, rows])).toEqual([
    [0, 131_072],
    [131_072, 20_864],
  ]);
  for (const { firstRow, rows } of plans) expect([firstRow % 128, rows % 128]).toEqual([0, 0]);
});

it('cuts within a tensor of a stack, and goes on there in the next part', () => {
  const plans = planParts('gate', { rows: [200, 100], columns: 64, storage: 'f32' }, 256 * 64 * 4);
  expect(plans.map(({ segments }) => segments)).toEqual([
    [
      { tensor: 0, from: 0, count: 200 * 64, to: 0 },
      { tensor: 1, from: 0, count: 56 * 64, to: 200 * 64 },
    ],
    [{ tensor: 1, from: 56 * 64, count: 44 * 64, to: 0 }],
  ]);
});

it('begins a part where stacking would move the blocks of 4 bits', () => {
  const shape = { rows: [12, 12], columns: 20, storage: 'nf4' } as const;
  expect(planParts('gate', shape, MB).map(({ firstRow, segments }) => [firstRow, segments])).toEqual([
    [0, [{ tensor: 0, from: 0, count: 240, to: 0 }]],
    [12, [{ tensor: 1, from: 0, count: 240, to: 0 }]],
  ]);
  expect(planParts('gate', { ...shape, storage: 'bf16' }, MB)).toHaveLength(1);
});

it('keeps every block of 4 bits in one part, whatever the width', () => {
  // The vision tower's down_proj: rows of 3,420 are no multiple of 64.
  for (const limit of [40 * 1710, 300 * 1710]) {
    const plans = planParts('down', { rows: [1280], columns: 3420, storage: 'nf4' }, limit);
    expect(plans.length).toBeGreaterThan(1);
    for (const { rows, segments } of plans) {
      expect((rows * 3420) / 2).toBeLessThanOrEqual(limit);
      for (const { from, to } of segments) expect([from % 64, to % 64]).toEqual([0, 0]);
    }
  }
});
