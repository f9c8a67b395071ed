import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { BROWSER_NEEDED } from './minimumBrowser.mjs';

test('the README asks for the browser that the page asks for, wherever it names a version', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const said = readme.match(/Chrome or Edge \d+ or later/g) ?? [];
  expect(said.length).toBeGreaterThan(0);
  expect(new Set(said)).toEqual(new Set([BROWSER_NEEDED]));
});
