import { expect, test } from 'vitest';
import { REPOSITORY } from '../launcher/paths.mjs';
import { findTests, tierOf } from './testFiles.mjs';

const OWN = 'tools/test/testFiles.test.mjs';

test('the name of a file says its tier, long ones included', () => {
  expect(tierOf('src/a.test.ts')).toBe('node');
  expect(tierOf('tools/a.test.mjs')).toBe('node');
  expect(tierOf('src/a.browser.test.ts')).toBe('browser');
  expect(tierOf('src/a.long.browser.test.ts')).toBe('browser');
  expect(tierOf('e2e/a.long.e2e.ts')).toBe('e2e');
  expect(tierOf('src/a.ts')).toBe(null);
});

test('a path means the file, the tests of a folder, or those beside a source file', () => {
  expect(findTests(OWN, REPOSITORY)).toEqual({ tiers: { node: [OWN] }, name: null });
  expect(findTests('tools/test/testFiles.mjs', REPOSITORY).tiers).toEqual({ node: [OWN] });
  expect(findTests('testFiles.mjs', REPOSITORY, `${REPOSITORY}/tools/test`).tiers).toEqual({ node: [OWN] });
  expect(Object.keys(findTests('src/ops', REPOSITORY).tiers)).toEqual(['node', 'browser']);
});

test('other words are looked for in the names of tests', () => {
  const words = 'other words are looked for in the names';
  expect(findTests(words, REPOSITORY)).toEqual({ tiers: { node: [OWN] }, name: words });
});

test('what means no test is a failure, not an empty success', () => {
  const nowhere = ['no such', 'name anywhere'].join(' ');
  expect(() => findTests(nowhere, REPOSITORY)).toThrow('no test file has');
  expect(() => findTests('tools/launcher/paths.mjs', REPOSITORY)).toThrow('has no tests');
});
