import { expect, test } from 'vitest';
import { comparison, median, report } from './report.mjs';

const run = (sft, grpo, matmulGflops) => ({ seconds: { sft, grpo }, matmulGflops });

test.each([
  [[3], 3],
  [[5, 1, 9], 5],
  [[4, 1, 9, 2], 3],
])('the median of %j is %d', (values, want) => {
  expect(median(values)).toBe(want);
});

test('a report has the median of each phase and the single values', () => {
  const text = report([run(10, 20, 4), run(12, 26, 5), run(11, 21, 3)], 'a machine');
  expect(text).toContain('Medians of 3 runs on a machine');
  expect(text).toMatch(/grpo +21\.0 s {2}\(20\.0, 26\.0, 21\.0\)/);
  expect(text).toContain('4.00 GFLOP/s');
});

test('a comparison takes the ratio pair by pair, so that a slow spell of the machine cancels', () => {
  // The second pair ran while the machine was three times slower.
  const before = [run(10, 20, 4), run(30, 60, 4), run(10, 20, 4)];
  const now = [run(8, 20, 6), run(24, 60, 6), run(8, 20, 6)];
  const text = comparison(before, now, { name: 'abc', machine: 'a machine' });
  expect(text).toMatch(/abc +this +ratio/);
  expect(text).toMatch(/sft +10\.00 +8\.00 +0\.800 {2}s/);
  expect(text).toMatch(/grpo +20\.00 +20\.00 +1\.000 {2}s/);
  expect(text).toMatch(/512 cubed f32 +4\.00 +6\.00 +1\.500 {2}GFLOP\/s/);
});

test('a phase that only one program has is left out, one without time has no ratio', () => {
  const text = comparison(
    [{ seconds: { old: 1, score: 0 }, matmulGflops: 1 }],
    [{ seconds: { new: 1, score: 0 }, matmulGflops: 1 }],
    { name: 'abc', machine: 'a machine' },
  );
  expect(text).not.toMatch(/old|new/);
  expect(text).toMatch(/score +0\.00 +0\.00 +s/);
});
