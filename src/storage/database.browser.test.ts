// Versions of a database in a real IndexedDB.

import { expect, test } from 'vitest';
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
