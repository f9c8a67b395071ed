import { expect, test } from 'vitest';
import { fittedAxis, fixedAxis } from './chartSpec';

test('a fitted axis has round ticks that enclose all values', () => {
  const axis = fittedAxis([0.1268, 0.0973, null, NaN, 0.148], 3, false);
  expect(axis.min).toBeLessThanOrEqual(0.0973);
  expect(axis.max).toBeGreaterThanOrEqual(0.148);
  expect(axis.ticks.map(axis.format)).toEqual(['0.08', '0.10', '0.12', '0.14', '0.16']);
});

test('an axis from zero begins at zero, and equal values still get an axis', () => {
  expect(fittedAxis([0.3, 0.82], 3, true).ticks[0]).toBe(0);
  const flat = fittedAxis([0.003, 0.003], 2, true);
  expect(flat.max).toBeGreaterThan(0.0029);
});

test('without values there are no ticks to read a scale from', () => {
  expect(fittedAxis([null, null], 3, true).ticks).toEqual([]);
});

test('a fixed axis has equal parts', () => {
  expect(fixedAxis(0, 2, 4, (value) => value.toFixed(1)).ticks).toEqual([0, 0.5, 1, 1.5, 2]);
});
