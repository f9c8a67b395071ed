// @vitest-environment node
import { expect, it } from 'vitest';
import { toCsv } from './csv';
import { findDuplicateKey } from './jsonKeys';
import { toJsonl } from './jsonl';

it('writes CSV with quoting, all columns and empty cells', () => {
  const rows = [
    { step: 1, loss: 0.5 },
    { step: 2, note: 'a "b", c\nd', loss: NaN },
  ];
  expect(toCsv(rows)).toBe('step,loss,note\n1,0.5,\n2,,"a ""b"", c\nd"\n');
});

it('writes one JSON object per line, without characters that some readers take for line ends', () => {
  const text = toJsonl([{ a: 'x\u2028y\nz' }, { b: 1 }]);
  expect(text).toBe('{"a":"x\\u2028y\\nz"}\n{"b":1}\n');
  expect(JSON.parse(text.split('\n')[0]!)).toEqual({ a: 'x\u2028y\nz' });
});

it('finds repeated keys at any depth and is not misled by strings', () => {
  expect(findDuplicateKey('{"a":[{"b":1,"c":{"d":1 , "d" : 2}}]}')).toBe('d');
  expect(findDuplicateKey('{"a":"\\"a\\":1","b":["a","a"],"c":{"a":"a"},"d":"a"}')).toBe(null);
  expect(findDuplicateKey('{"\\u0061":1,"a":2}')).toBe('a');
});
