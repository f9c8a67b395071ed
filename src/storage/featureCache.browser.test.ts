import { afterEach, beforeEach, expect, test } from 'vitest';
import { openFeatureCache, storedFeatureBytes } from './featureCache';
import { opfs, type Files } from './opfs';

const clean = async () => {
  for (const { name } of await opfs.list('features-')) await opfs.remove(name);
};
beforeEach(clean);
afterEach(clean);

/** As many values as fill `bytes` of a file with its hash. */
const features = (seed: number, count = 84) => Float32Array.from({ length: count }, (_, i) => Math.sin(seed + i));
const FILE_BYTES = 64 + 84 * 4;

test('features are read back to the bit by whoever opens the same scope, and by no other', async () => {
  const first = await openFeatureCache(opfs, 'one', 1e6);
  await first.write('a', features(1));
  expect(await first.read('a')).toEqual(features(1));
  const later = await openFeatureCache(opfs, 'one', 1e6);
  expect(await later.has('a')).toBe(true);
  expect(await later.read('a')).toEqual(features(1));
  expect(await later.read('b')).toBe(null);
  expect(await (await openFeatureCache(opfs, 'other', 1e6)).read('a')).toBe(null);
});

test('a file that was cut or changed is as if it were not there, and is written anew', async () => {
  const cache = await openFeatureCache(opfs, 'one', 1e6);
  await cache.write('cut', features(1));
  const { name } = (await opfs.list('features-'))[0]!;
  const whole = (await opfs.read(name))!;
  const damaged = [whole.slice(0, 100), whole.slice(0, 30), whole.slice().fill(7, 200, 201), new Uint8Array(0)];
  for (const bytes of damaged) {
    await opfs.remove(name);
    const file = await opfs.open(name);
    await file.write(bytes, 0);
    await file.close();
    const found = await openFeatureCache(opfs, 'one', 1e6);
    expect(await found.read('cut')).toBe(null);
    expect(await found.has('cut')).toBe(false);
    await found.write('cut', features(1));
    expect(await found.read('cut')).toEqual(features(1));
  }
});

test('what another scope has left makes room, what this one has stays, and the budget is kept', async () => {
  const other = await openFeatureCache(opfs, 'other', 1e6);
  for (const key of ['x', 'y', 'z']) await other.write(key, features(5));
  const cache = await openFeatureCache(opfs, 'one', 3 * FILE_BYTES);
  expect(cache.room()).toBe(3 * FILE_BYTES);
  for (const [i, key] of ['a', 'b', 'c', 'd'].entries()) await cache.write(key, features(i));
  const kept = await Promise.all(['a', 'b', 'c', 'd'].map((key) => cache.has(key)));
  expect(kept).toEqual([true, true, true, false]);
  expect(cache.room()).toBe(0);
  expect(await storedFeatureBytes(opfs)).toBe(3 * FILE_BYTES);
  const files = await opfs.list('features-');
  expect(files.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(3 * FILE_BYTES);
});

test('a disk that takes no more fails nothing and leaves no part of a file', async () => {
  const short: Files = { ...opfs, open: async (name) => ({ ...(await opfs.open(name)), write: async () => 3 }) };
  const cache = await openFeatureCache(short, 'one', 1e6);
  await cache.write('a', features(1));
  expect(await cache.read('a')).toBe(null);
  expect(await opfs.list('features-')).toEqual([]);
});
