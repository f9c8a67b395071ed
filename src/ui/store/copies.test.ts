import { beforeEach, expect, test } from 'vitest';
import { applyCopyCheck, beginCopyCheck, failCopyCheck, useCopies } from './copies';
import { useSettings } from './settings';

const COPY = { key: 'k', name: 'a/b', sourceBytes: 9, bytes: 3, manifestBytes: 1, sha256: '', createdAt: 0 };

beforeEach(() => {
  useCopies.setState({ copies: [COPY], checking: null, checked: null });
  beginCopyCheck(4, 'k');
});

test('a check takes what is said of it alone, to its end', () => {
  expect(applyCopyCheck({ type: 'verifying', id: 3, done: 1, total: 2 })).toBeNull();
  expect(applyCopyCheck({ type: 'traffic', hosts: [] })).toBeNull();
  expect(applyCopyCheck({ type: 'verifying', id: 4, done: 1, total: 2 })).toEqual({ ended: false });
  expect(useCopies.getState().checking).toEqual({ id: 4, key: 'k', share: 0.5 });
  expect(applyCopyCheck({ type: 'verified', id: 4, broken: [] })).toEqual({ ended: true });
  const text = 'Every piece has the hash that it was written with.';
  expect(useCopies.getState()).toMatchObject({ checking: null, checked: { key: 'k', name: 'a/b', text } });
  expect(applyCopyCheck({ type: 'verified', id: 4, broken: ['k'] })).toBeNull();
});

test('a copy that had other bytes, a check that failed and a worker that crashed each end it in words', () => {
  applyCopyCheck({ type: 'verified', id: 4, broken: ['k'] });
  expect(useCopies.getState().checked?.text).toMatch(/^It had other bytes/);
  beginCopyCheck(5, 'k');
  expect(useCopies.getState().checked).toBeNull();
  applyCopyCheck({ type: 'failed', id: 5, error: { code: 'storage.failed', message: 'no disk' } });
  expect(useCopies.getState()).toMatchObject({ checking: null, checked: { text: 'no disk' } });
  beginCopyCheck(6, 'k');
  failCopyCheck({ code: 'worker.crashed', message: 'boom' });
  expect(useCopies.getState()).toMatchObject({ checking: null, checked: { text: 'boom' } });
});

test('a copy that another tab deleted is not called broken, and one is promised only where copies are made', () => {
  applyCopyCheck({ type: 'verified', id: 4, broken: [], gone: true });
  expect(useCopies.getState().checked?.text).toBe('It is not here any more.');
  for (const keepCopy of [true, false]) {
    useSettings.setState({ keepCopy });
    beginCopyCheck(5, 'k');
    applyCopyCheck({ type: 'verified', id: 5, broken: ['k'] });
    expect(useCopies.getState().checked?.text.includes('The next start makes it anew')).toBe(keepCopy);
  }
});

test('a crash with no check under way says nothing', () => {
  useCopies.setState({ checking: null });
  failCopyCheck({ code: 'worker.crashed', message: 'boom' });
  expect(useCopies.getState().checked).toBeNull();
});
