import { expect, it } from 'vitest';
import { chiSquarePValue, chiSquareTail } from './chiSquare';

// scipy.stats.chi2.sf(statistic, degrees), scipy 1.x in float64.
it.each([
  [0.5, 1, 0.47950012218695337],
  [3, 2, 0.22313016014842982],
  [27.88, 9, 0.0009989111107288188],
  [16.27, 3, 0.0009982232399054186],
  [60.5, 24, 5.4276330991730104e-5],
  [5, 36, 0.9999999997854003],
  [100, 36, 6.179530653967975e-8],
  [700, 500, 7.728992111216604e-9],
])('has the tail of %d with %d degrees of freedom', (statistic, degrees, want) => {
  expect(Math.abs(chiSquareTail(statistic, degrees) / want - 1)).toBeLessThan(1e-9);
});

it('accepts the expected counts, and refuses counts of what cannot happen', () => {
  expect(chiSquarePValue([30, 70, 0], [0.3, 0.7, 0])).toBe(1);
  expect(chiSquarePValue([29, 70, 1], [0.3, 0.7, 0])).toBe(0);
  expect(chiSquarePValue([100, 0], [1, 0])).toBe(1);
});

it('joins rare cells until they hold five expected counts', () => {
  // Two cells of 48 and one of four: the statistic is 0 + 1/48 + 1/48 with 1 degree once the last two are one cell.
  const got = chiSquarePValue([47, 47, 1, 2, 1, 2], [0.48, 0.48, 0.01, 0.01, 0.01, 0.01]);
  const statistic = 1 / 48 + (53 - 52) ** 2 / 52;
  expect(got).toBeCloseTo(chiSquareTail(statistic, 1), 12);
});
