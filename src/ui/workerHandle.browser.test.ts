// The page's workers when one of them dies.

import { afterEach, expect, test } from 'vitest';
import type { ErrorRecord } from '../base/errors';
import { createWorkerHandle } from './workerHandle';

const urls: string[] = [];
const closing: (() => void)[] = [];
afterEach(() => {
  closing.splice(0).forEach((close) => close());
  urls.splice(0).forEach((url) => URL.revokeObjectURL(url));
});

/** A worker that answers each message with its own number, and throws at `crash`. */
function scriptOf(number: number): string {
  const text = `onmessage = ({ data }) => { if (data === 'crash') throw new Error('boom'); postMessage(${number} + data); };`;
  const url = URL.createObjectURL(new Blob([text], { type: 'text/javascript' }));
  urls.push(url);
  return url;
}

/** A handle whose nth worker runs the nth script, and what it says. */
function open(scripts: string[]) {
  const said: (string | ErrorRecord)[] = [];
  let look = (): void => undefined;
  let started = 0;
  const take = (what: string | ErrorRecord): void => {
    said.push(what);
    look();
  };
  const handle = createWorkerHandle<string, string>('test', () => new Worker(scripts[started++]!), {
    message: take,
    crashed: take,
  });
  closing.push(handle.close);
  const next = async (count: number): Promise<string | ErrorRecord> => {
    while (said.length < count) await new Promise<void>((resolve) => (look = resolve));
    return said[count - 1]!;
  };
  return { handle, next, said };
}

test('a worker that throws is ended and said so once; the next request starts a new one', async () => {
  const { handle, next, said } = open([scriptOf(1), scriptOf(2)]);
  handle.post('a');
  expect(await next(1)).toBe('1a');
  handle.post('crash');
  handle.post('crash');
  expect(await next(2)).toMatchObject({ code: 'worker.crashed', message: expect.stringContaining('boom') as string });
  expect(handle.isUp()).toBe(false);
  handle.post('b');
  expect(await next(3)).toBe('2b');
  expect(said.length).toBe(3);
});

test('a worker whose script cannot be loaded is tried anew by the next request', async () => {
  const { handle, next } = open(['/no/such/worker.js', scriptOf(2)]);
  handle.open();
  expect(await next(1)).toMatchObject({ code: 'worker.crashed' });
  handle.post('a');
  expect(await next(2)).toBe('2a');
});
