import { expect, test } from 'vitest';
import { decimate } from './decimate';

const steps = Array.from({ length: 5000 }, (_, i) => i + 1);

test('a peak of one step in thousands stays in the drawing, on both sides', () => {
  const flat = steps.map((step) => (step === 1234 ? 9 : step === 4321 ? -9 : 1));
  const drawn = decimate(steps, [flat], [0, 5000], 500);
  expect(drawn.x.length).toBeLessThanOrEqual(1000);
  expect(drawn.lines[0]).toHaveLength(drawn.x.length);
  const at = (value: number): number => drawn.x[drawn.lines[0]!.indexOf(value)]!;
  expect(Math.abs(at(9) - 1234)).toBeLessThan(10);
  expect(Math.abs(at(-9) - 4321)).toBeLessThan(10);
});

test('positions ascend, from the first step to the last', () => {
  const { x } = decimate(steps, [], [0, 5000], 500);
  expect([x[0], x[x.length - 1]]).toEqual([1, 5000]);
  expect(x.every((value, i) => i === 0 || value >= x[i - 1]!)).toBe(true);
});

test('zoomed in, every step is there, and neighbours to each side so that lines leave the picture', () => {
  const values = steps.map((step) => step * 2);
  const { x, lines } = decimate(steps, [values], [100, 110], 500);
  expect(x).toEqual(Array.from({ length: x.length }, (_, i) => x[0]! + i));
  expect(x[0]).toBeLessThan(100);
  expect(x.at(-1)).toBeGreaterThan(110);
  expect(x.length).toBeLessThan(200);
  expect(lines[0]).toEqual(x.map((step) => step * 2));
});

test('a part without values stays empty, and NaN hides no neighbour', () => {
  const values = steps.map((step) => (step <= 2500 ? null : step % 2 === 0 ? NaN : 3));
  const { lines } = decimate(steps, [values], [0, 5000], 500);
  expect(new Set(lines[0]!.slice(0, 490))).toEqual(new Set([null]));
  expect(new Set(lines[0]!.slice(510))).toEqual(new Set([3]));
});
