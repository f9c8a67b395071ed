// Versions of a database in a real IndexedDB.

import { expect, onTestFinished, test, vi } from 'vitest';
import { createConnection, watchStorage, type StorageStatus } from './connection';
import { openDatabase, request } from './database';

/** A database as an earlier version of the program left it. */
function earlier(name: string, version: number, stores: string[]): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(name, version);
    opening.onupgradeneeded = () => {
      for (const store of stores) opening.result.createObjectStore(store).put('kept', 'key');
    };
    opening.onerror = () => reject(opening.error!);
    opening.onsuccess = () => resolve(opening.result);
  });
}

async function fresh(): Promise<string> {
  const name = `versions-${crypto.randomUUID()}`;
  await request(indexedDB.deleteDatabase(name));
  return name;
}

test('a new version adds its stores and keeps stores and data of the old one', async () => {
  const name = await fresh();
  (await earlier(name, 1, ['a', 'b'])).close();
  const database = openDatabase(name, ['a', 'b', 'c'], 2);
  await database.transact(['c'], (open) => void open('c').put('new', 'key'));
  for (const [store, value] of Object.entries({ a: 'kept', b: 'kept', c: 'new' })) {
    expect(await database.store(store)('readonly', (opened) => request(opened.get('key')))).toBe(value);
  }
});

test('an index that a new version adds finds what the old one stored', async () => {
  const name = await fresh();
  const old = openDatabase(name, ['a']);
  await old.transact(['a'], (open) => void open('a').put({ list: ['x', 'y'] }, 'key'));
  const database = openDatabase(name, ['a'], 2, { a: 'list' });
  const find = (entry: string): Promise<unknown> =>
    database.store('a')('readonly', (store) => request(store.index('list').getKey(entry)));
  expect([await find('y'), await find('z')]).toEqual(['key', undefined]);
});

function watch(): StorageStatus[] {
  const seen: StorageStatus[] = [];
  onTestFinished(watchStorage((status) => seen.push(status)));
  return seen;
}

test('a tab that keeps the old version open is named within 5 seconds, and all goes on once it is closed', async () => {
  const name = await fresh();
  const old = await earlier(name, 1, ['a']);
  const seen = watch();
  const database = openDatabase(name, ['a', 'c'], 2);
  const read = (): Promise<unknown> => database.store('a')('readonly', (store) => request(store.get('key')));
  const began = performance.now();
  await expect(read()).rejects.toMatchObject({ code: 'storage.blocked', hint: expect.stringContaining('Close other') });
  expect(performance.now() - began).toBeLessThan(5000);
  expect(seen.at(-1)).toMatchObject({ blocked: true });
  // An opening behind the first one is told too, though the browser says nothing to it.
  const second = openDatabase(name, ['a', 'c'], 2);
  await expect(second.transact(['c'], () => undefined)).rejects.toMatchObject({ code: 'storage.blocked' });
  await expect(read()).rejects.toMatchObject({ code: 'storage.blocked' });
  old.close();
  await vi.waitFor(() => expect(seen.at(-1)).toMatchObject({ blocked: false }), 5000);
  expect(await read()).toBe('kept');
  await second.transact(['c'], (open) => void open('c').put('new', 'key'));
});

test('whoever hears that nothing is in the way any more may ask again in the same moment', async () => {
  const name = await fresh();
  const old = await earlier(name, 1, ['a']);
  const { open } = createConnection(name, 2, (database) => void database.createObjectStore('c'));
  onTestFinished(async () => (await open()).close());
  await expect(open()).rejects.toMatchObject({ code: 'storage.blocked' });
  const again = new Promise((resolve, reject) => {
    const stop = watchStorage(({ blocked }) => {
      if (blocked) return;
      stop();
      open().then(({ version }) => resolve(version), reject);
    });
  });
  old.close();
  expect(await again).toBe(2);
});

test('a tab whose database was taken over by a newer version learns of it at once', async () => {
  const name = await fresh();
  const old = openDatabase(name, ['a']);
  await old.transact(['a'], (open) => void open('a').put('kept', 'key'));
  const seen = watch();
  await openDatabase(name, ['a', 'c'], 2).transact(['c'], () => undefined);
  expect(seen.at(-1)).toMatchObject({ outdated: true });
});

test('a database that is deleted elsewhere makes no tab out of date', async () => {
  const name = await fresh();
  const database = openDatabase(name, ['a']);
  await database.transact(['a'], () => undefined);
  const seen = watch();
  await request(indexedDB.deleteDatabase(name));
  await database.transact(['a'], (open) => void open('a').put(1, 'key'));
  expect(seen).toEqual([]);
});

test('a handle of the old version in another tab gives way', async () => {
  const name = await fresh();
  const old = openDatabase(name, ['a']);
  await old.transact(['a'], (open) => void open('a').put('kept', 'key'));
  const database = openDatabase(name, ['a', 'c'], 2);
  expect(await database.store('a')('readonly', (opened) => request(opened.get('key')))).toBe('kept');
  await expect(old.transact(['a'], (open) => void open('a').put(1, 'key'))).rejects.toMatchObject({
    code: 'storage.newer',
  });
});

test('once open, a connection answers every call with the same promise, so that none leaves anything behind', async () => {
  const name = await fresh();
  const { open } = createConnection(name, 1, (database) => void database.createObjectStore('a'));
  onTestFinished(async () => (await open()).close());
  const race = vi.spyOn(Promise, 'race');
  onTestFinished(() => race.mockRestore());
  await Promise.all([open(), open()]);
  const answer = open();
  expect(open()).toBe(answer);
  expect(race).toHaveBeenCalledTimes(1);
});
