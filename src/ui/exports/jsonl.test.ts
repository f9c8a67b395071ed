import { expect, it } from 'vitest';
import { toJsonl } from './jsonl';

it('writes one JSON object per line, without characters that some readers take for line ends', () => {
  const text = toJsonl([{ a: 'x\u2028y\nz' }, { b: 1 }]);
  expect(text).toBe('{"a":"x\\u2028y\\nz"}\n{"b":1}\n');
  expect(JSON.parse(text.split('\n')[0]!)).toEqual({ a: 'x\u2028y\nz' });
});
