import { expect, it } from 'vitest';
import { pythonStrip } from '../text/pythonStrip';
import { pythonRound, pythonSplit } from './pythonText';

// Expected values are those of CPython 3.11.
it('strips what Python strips: U+001C and U+0085, not U+FEFF and not the zero-width space', () => {
  expect(pythonStrip('\x1c \u0085a\u2028\n')).toBe('a');
  expect(pythonStrip('\ufeffa\u200b')).toBe('\ufeffa\u200b');
  expect(pythonStrip(' \t ')).toBe('');
});

it('splits at runs of Python space and yields no empty word', () => {
  expect(pythonSplit('  a\x1f\u3000b \n')).toEqual(['a', 'b']);
  expect(pythonSplit(' \u00a0')).toEqual([]);
  expect(pythonSplit('a\ufeffb')).toEqual(['a\ufeffb']);
});

it('rounds an exact half to the even digit and everything else to the nearest', () => {
  const cases: [number, number, number][] = [
    [0.03125, 4, 0.0312],
    [0.09375, 4, 0.0938],
    [-0.03125, 4, -0.0312],
    [0.00015, 4, 0.0001],
    [0.00025, 4, 0.0003],
    [2.5, 0, 2],
    [3.5, 0, 4],
    [0.105, 4, 0.105],
    [-0.99995, 4, -1],
    [1.0000000000000002, 4, 1],
  ];
  for (const [value, digits, want] of cases) expect(pythonRound(value, digits), `${value}`).toBe(want);
});
