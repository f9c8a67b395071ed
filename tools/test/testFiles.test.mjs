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
  expect(findTests(OWN, REPOSITORY)).toEqual({ node: { files: [OWN], name: null } });
  expect(findTests('tools/test/testFiles.mjs', REPOSITORY)).toEqual({ node: { files: [OWN], name: null } });
  expect(findTests('testFiles.mjs', REPOSITORY, `${REPOSITORY}/tools/test`)).toEqual({
    node: { files: [OWN], name: null },
  });
  expect(Object.keys(findTests('src/ops', REPOSITORY))).toEqual(['node', 'browser']);
});

test('other words are looked for in the names of tests', () => {
  const words = 'other words are looked for in the names';
  expect(findTests(words, REPOSITORY)).toEqual({ node: { files: [OWN], name: words } });
});

test('words that stand elsewhere in a file do not choose it', () => {
  // What this comment says is in no name of a test.
  const words = ['What this comment', 'says'].join(' ');
  expect(() => findTests(words, REPOSITORY)).toThrow('no test has');
});

test('an e2e file runs whole when a test of it is named, for its tests build on each other', () => {
  const tiers = findTests('the log of 5,000 steps opens from the history', REPOSITORY);
  expect(tiers.e2e).toEqual({ files: ['e2e/longRun.e2e.ts'], name: null });
});

test('what means no test is a failure, not an empty success', () => {
  const nowhere = ['no such', 'name anywhere'].join(' ');
  expect(() => findTests(nowhere, REPOSITORY)).toThrow('no test has');
  expect(() => findTests('tools/launcher/paths.mjs', REPOSITORY)).toThrow('has no tests');
});
