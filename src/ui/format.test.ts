import { expect, test } from 'vitest';
import { bytesText, clock, duration, etaText, fixed, percent, points, significant, signed } from './format';

test('signs are always written where a change is meant, with a true minus', () => {
  expect([signed(0.254), signed(-0.1), points(-0.134), points(0.39)]).toEqual(['+0.25', '−0.10', '−13', '+39']);
});

test('a tiny negative number does not become minus zero', () => {
  expect([fixed(-0.001), signed(-0.001)]).toEqual(['0.00', '+0.00']);
});

test('durations read as clock and as prose', () => {
  expect([clock(73), clock(3723), duration(229), duration(42), duration(7500)]).toEqual([
    '01:13',
    '1:02:03',
    '3 min 49 s',
    '42 s',
    '2 h 5 min',
  ]);
});

test('time left counts down from the moment of the estimate and never below zero', () => {
  expect(etaText(73, 1000, 11_000)).toBe('01:03');
  expect(etaText(5, 0, 60_000)).toBe('00:00');
  expect(etaText(null, 0, 0)).toBe('–');
});

test('sizes are decimal and short', () => {
  expect([bytesText(0), bytesText(57_344), bytesText(2_499_000), bytesText(7.5e9)]).toEqual([
    '0 B',
    '57 kB',
    '2.5 MB',
    '7.5 GB',
  ]);
});

test('small rates keep their digits, shares are whole percent', () => {
  expect([significant(0.008), significant(1e-6), significant(0.6349), percent(0.533)]).toEqual([
    '0.008',
    '1e−6',
    '0.635',
    '53%',
  ]);
});
