import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { addInterval, clipIntervals, countBytes, frontier, missingPieces, type Interval } from '../base/intervals';
import { rateLimitWait } from './failures';
import { hasherOf } from './hashing';
import { parseModelAddress } from './modelAddress';
import { createRateMeter, secondsLeft } from './rate';
import { HUB_DEFAULTS, parseHubSettings } from './settings';

test('intervals in any order join to what has arrived, and the rest is missing', () => {
  const marked = new Uint8Array(1000);
  let done: Interval[] = [];
  // Steps of a full-period generator: every start comes once.
  for (let i = 0, from = 7; i < 60; i++, from = (from * 421 + 13) % 1000) {
    const end = Math.min(1000, from + 1 + (from % 9));
    marked.fill(1, from, end);
    done = addInterval(done, [from, end]);
    const missing = missingPieces(done, 1000, 64);
    expect(countBytes(done)).toBe(marked.reduce((a, b) => a + b, 0));
    expect(missing.every(([a, b]) => marked.subarray(a, b).every((byte) => byte === 0) && b - a <= 64)).toBe(true);
    expect(countBytes(missing)).toBe(1000 - countBytes(done));
    const hole = marked.indexOf(0);
    expect(frontier(done)).toBe(hole);
  }
  expect(missingPieces(clipIntervals(done, 0), 130, 64)).toEqual([
    [0, 64],
    [64, 128],
    [128, 130],
  ]);
  expect(missingPieces([], 0, 64)).toEqual([]);
});

test('hashes of pieces are those of git and of SHA-256', () => {
  const bytes = Buffer.from('what is hashed, ü');
  const git = createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
  const sha = createHash('sha256').update(bytes).digest('hex');
  for (const [algorithm, expected] of [
    ['gitSha1', git],
    ['sha256', sha],
  ] as const) {
    const hasher = hasherOf({ algorithm, bytes: bytes.length });
    hasher.update(bytes.subarray(0, 5));
    hasher.update(bytes.subarray(5));
    expect(hasher.digest()).toBe(expected);
  }
});

test.each([
  ['Qwen/Qwen2.5-VL-3B-Instruct', { id: 'Qwen/Qwen2.5-VL-3B-Instruct', revision: 'main' }],
  [' a/b@refs/pr/3 ', { id: 'a/b', revision: 'refs/pr/3' }],
  ['https://huggingface.co/Qwen/Qwen2.5-VL-3B-Instruct/tree/v1', { id: 'Qwen/Qwen2.5-VL-3B-Instruct', revision: 'v1' }],
  ['https://huggingface.co/a/b/tree/refs/pr/3/', { id: 'a/b', revision: 'refs/pr/3' }],
  ['https://huggingface.co/a/b/tree/refs%2Fpr%2F3?x=1', { id: 'a/b', revision: 'refs/pr/3' }],
  ['https://huggingface.co/a/b/blob/v1/config.json', { id: 'a/b', revision: 'v1' }],
  ['https://huggingface.co/a/b', { id: 'a/b', revision: 'main' }],
])('%s is a model', (text, address) => {
  expect(parseModelAddress(text)).toEqual(address);
});

test.each(['', 'Qwen', 'a/b/c', '../b', 'a/..', 'a/b@../x', 'a b/c', '/etc/passwd', './model', 'a/b@'])(
  '%j names no model, which is said',
  (text) => {
    if (text === 'a/b@') return expect(parseModelAddress(text).revision).toBe('main');
    expect(() => parseModelAddress(text)).toThrow(expect.objectContaining({ code: 'hub.address' }) as Error);
  },
);

test('a page of another hub than the one that is asked is refused, and both are named', () => {
  const page = 'https://huggingface.co/a/b';
  const error = { code: 'hub.address', message: expect.stringMatching(/of huggingface\.co, .* asks mirror\.example/) };
  expect(() => parseModelAddress(page, 'main', 'https://mirror.example')).toThrow(
    expect.objectContaining(error) as Error,
  );
  const local = 'http://localhost:81/a/b/tree/v1';
  expect(parseModelAddress(local, 'main', 'http://localhost:81')).toEqual({ id: 'a/b', revision: 'v1' });
});

test('the wait that a busy hub asks for is read from RateLimit, else from Retry-After, and has an end', () => {
  const wait = (headers: Record<string, string>): number | null => rateLimitWait(new Headers(headers), 0);
  expect(wait({ RateLimit: '"resolvers";r=0;t=17', 'Retry-After': '3' })).toBe(17_000);
  expect(wait({ 'Retry-After': '3' })).toBe(3000);
  expect(wait({ 'Retry-After': new Date(5000).toUTCString() })).toBe(5000);
  expect(wait({ 'Retry-After': '100000' })).toBe(600_000);
  expect(wait({})).toBe(null);
});

test('the rate is that of the last ten seconds, and the time left follows from it', () => {
  const meter = createRateMeter();
  expect(meter.bytesPerSecond(0)).toBe(null);
  for (let second = 0; second <= 20; second++) meter.note(second < 10 ? 0 : (second - 10) * 1000, second * 1000);
  expect(meter.bytesPerSecond(20_000)).toBe(1000);
  // Nothing more comes: the rate falls.
  expect(meter.bytesPerSecond(30_000)).toBe(500);
  expect(secondsLeft(5000, 500)).toBe(10);
  expect(secondsLeft(5000, 0)).toBe(null);
});

test("a server's hub.json may change how the hub is asked, and what is wrong in it is named", () => {
  expect(parseHubSettings(null)).toEqual(HUB_DEFAULTS);
  expect(parseHubSettings({ endpoint: 'https://hf-mirror.com/', idleMs: 5000 })).toEqual({
    ...HUB_DEFAULTS,
    endpoint: 'https://hf-mirror.com',
    idleMs: 5000,
  });
  for (const [json, field] of [
    [{ endpoint: 'http://example.org' }, 'endpoint'],
    [{ endpoint: 'https://example.org/path' }, 'endpoint'],
    [{ idleMs: 1 }, 'idleMs'],
    [{ token: 'x' }, 'token'],
    [[], 'object'],
  ] as const) {
    expect(() => parseHubSettings(json)).toThrow(field);
  }
});
