import { expect, test } from 'vitest';
import { Failure } from '../launcher/failure.mjs';
import { showData } from './setUp.mjs';

const problems = Array.from({ length: 60 }, (_, i) => ({
  ...{ level: 'error', file: 'a.jsonl', line: i + 1, message: 'not valid JSON', code: 'jsonl.syntax' },
}));

test('every problem of an import is shown, of one that failed as of one that brought rows', () => {
  const lines = [];
  const display = { line: (text) => lines.push(text) };
  const info = { name: 'a', trainRows: 1, valRows: 0, images: 1, problems };
  showData(display, { type: 'dataset', info });
  expect(lines.length).toBe(61);
  expect(lines[59]).toBe('  error: a.jsonl:60: not valid JSON (jsonl.syntax)');
  const error = { code: 'data.empty', message: 'no row is usable' };
  expect(() => showData(display, { type: 'datasetFailed', error, problems })).toThrow(Failure);
  expect(lines.length).toBe(121);
});
