import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { Failure } from '../launcher/failure.mjs';
import { readModel } from './inputs.mjs';
import { pageFailure } from './session.mjs';
import { fetchModel, showData } from './setUp.mjs';

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

test('a name that is no folder is said before the hub is asked for it, and again when the hub does not have it', async () => {
  const model = readModel('models/mistyped');
  const lines = [];
  const call = async () => {
    lines.push('asked');
    throw pageFailure({ code: 'hub.missing', message: 'The hub has no models/mistyped.', hint: 'See to the name.' });
  };
  const session = { messages: new EventEmitter(), call };
  const display = { line: (text) => lines.push(text), download: () => {} };
  const error = await fetchModel(session, display, model).catch((thrown) => thrown);
  const folder = /no folder \/.*models\/mistyped/;
  expect(lines).toEqual([expect.stringMatching(folder), 'asked']);
  expect(error).toMatchObject({ message: expect.stringMatching(folder), hint: 'See to the name.' });
});
