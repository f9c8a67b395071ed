import { expect, it } from 'vitest';
import { findDuplicateKey } from './json';

it('finds repeated keys at any depth and is not misled by strings', () => {
  expect(findDuplicateKey('{"a":[{"b":1,"c":{"d":1 , "d" : 2}}]}')).toBe('d');
  expect(findDuplicateKey('{"a":"\\"a\\":1","b":["a","a"],"c":{"a":"a"},"d":"a"}')).toBe(null);
  expect(findDuplicateKey('{"\\u0061":1,"a":2}')).toBe('a');
});
