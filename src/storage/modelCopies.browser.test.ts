import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { sha256Hex } from '../base/bytes';
import { beginCopy } from './modelCopyFile';
import {
  copyDatabase,
  copyFolder,
  copyLock,
  deleteCopiesOf,
  deleteCopy,
  listCopies,
  openCopy,
  sweepCopies,
  verifyCopy,
} from './modelCopies';
import { changeCopyFile, copyFiles, emptyCopies, putCopyFile } from './testing/copyFiles';

const KEY = 'a1';
const SOURCE = { name: 'model.safetensors', bytes: 5000, modifiedAt: 1000 };
const ABOUT = { name: 'x/model', sourceBytes: 5000, sources: [SOURCE] };
const LAYOUT = [{ names: ['a', 'b'] }];
const PIECES = [
  Uint8Array.from({ length: 3000 }, (_, i) => i % 251),
  Uint8Array.of(1, 2, 3, 4),
  Uint8Array.from({ length: 1000 }, (_, i) => i % 13),
];

beforeEach(emptyCopies);
afterEach(async () => {
  vi.restoreAllMocks();
  await emptyCopies();
});

async function keep(key = KEY): Promise<void> {
  const writer = (await beginCopy(key))!;
  for (const piece of PIECES) await writer.append(piece);
  await writer.publish(LAYOUT, ABOUT);
  await writer.close();
}

const verify = (key = KEY): Promise<boolean | null> => verifyCopy(key, () => undefined, new AbortController().signal);

test('a copy has its pieces, what they are, and the hash of each', async () => {
  await keep();
  const { record, manifest, file } = (await openCopy(KEY))!;
  expect(record).toMatchObject({ key: KEY, ...ABOUT, bytes: file.size });
  expect(await listCopies()).toEqual([record]);
  expect(manifest.layout).toEqual(LAYOUT);
  let at = 0;
  for (const [i, piece] of PIECES.entries()) {
    expect(new Uint8Array(await file.slice(at, at + piece.length).arrayBuffer())).toEqual(piece);
    expect(manifest.pieces[i]).toEqual({ bytes: piece.length, sha256: await sha256Hex(piece) });
    at += piece.length;
  }
  expect(record.bytes).toBe(at + record.manifestBytes);
  expect(await copyFiles()).toEqual({ [KEY]: record.bytes });
  expect(await openCopy('b2')).toBeNull();
});

test('what is not ended does not count, and is removed when it is closed', async () => {
  const writer = (await beginCopy(KEY))!;
  await writer.append(PIECES[0]!);
  expect(await listCopies()).toEqual([]);
  expect(await openCopy(KEY)).toBeNull();
  await writer.close();
  expect(await copyFiles()).toEqual({});
  await keep();
  expect(await verify()).toBe(true);
});

test('one writes a copy at a time', async () => {
  const writer = (await beginCopy(KEY))!;
  expect(await beginCopy(KEY)).toBeNull();
  const other = await beginCopy('b2');
  expect(other).not.toBeNull();
  await other!.close();
  await writer.close();
  const next = await beginCopy(KEY);
  expect(next).not.toBeNull();
  await next!.close();
});

test('a check reads all of it and tells how far it is; a changed byte is found wherever it is, and the copy removed', async () => {
  await keep();
  const told: [number, number][] = [];
  const { bytes, manifestBytes } = (await listCopies())[0]!;
  expect(await verifyCopy(KEY, (...now) => told.push(now), new AbortController().signal)).toBe(true);
  expect(told).toEqual([
    [3000, bytes],
    [3004, bytes],
    [bytes - manifestBytes, bytes],
  ]);
  for (const at of [0, 2999, 3001, 3500, bytes - manifestBytes + 5, bytes - 1]) {
    await changeCopyFile(KEY, (all) => all.fill(all[at]! ^ 1, at, at + 1));
    expect(await verify(), `byte ${at}`).toBe(false);
    expect(await listCopies()).toEqual([]);
    expect(await copyFiles()).toEqual({});
    await keep();
  }
});

test('a copy of another size is none, and opening it says so', async () => {
  await keep();
  await changeCopyFile(KEY, (all) => all.slice(0, -1));
  expect(await listCopies()).toEqual([]);
  await expect(openCopy(KEY)).rejects.toMatchObject({
    code: 'copy.broken',
    message: /^its file has \d+ bytes instead of/,
  });
  expect(await verify()).toBe(false);
  expect(await copyFiles()).toEqual({});
  expect(await openCopy(KEY)).toBeNull();
});

test('a sweep leaves whole copies and what another tab writes, and removes all else', async () => {
  await keep();
  await keep('gone');
  await keep('short');
  const whole = await copyFiles();
  await changeCopyFile('short', (all) => all.slice(1));
  const { key, ...record } = (await listCopies()).find((one) => one.key === 'gone')!;
  await deleteCopy(key);
  await copyDatabase.transact(['copies'], (open) => void open('copies').put({ key, ...record }, key));
  for (const name of ['stray', 'dead.part', 'written.part']) await putCopyFile(name, Uint8Array.of(1, 2));
  await navigator.locks.request(copyLock('written'), sweepCopies);
  expect(await copyFiles()).toEqual({ [KEY]: whole[KEY], 'written.part': 2 });
  expect(await openCopy('gone')).toBeNull();
  expect(await openCopy('short')).toBeNull();
  await sweepCopies();
  expect(await copyFiles()).toEqual({ [KEY]: whole[KEY] });
  expect(await verify()).toBe(true);
});

test('a record that cannot be written leaves nothing', async () => {
  const put = vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(() => {
    throw new DOMException('full', 'QuotaExceededError');
  });
  const writer = (await beginCopy(KEY))!;
  await writer.append(PIECES[0]!);
  await expect(writer.publish(LAYOUT, ABOUT)).rejects.toMatchObject({ code: 'storage.quota' });
  await writer.close();
  expect(put).toHaveBeenCalledOnce();
  expect(await copyFiles()).toEqual({});
});

test('a sweep asks at each copy whether it is whole: one that became it since the sweep began stays', async () => {
  await keep();
  const folder = await copyFolder();
  const file = await (await folder.getFileHandle(KEY)).getFile();
  const bytes = new Uint8Array(await file.arrayBuffer());
  // As while a tab makes a part the copy: the record is there first.
  await folder.removeEntry(KEY);
  const { request } = LockManager.prototype as unknown as { request(...given: unknown[]): Promise<unknown> };
  vi.spyOn(navigator.locks, 'request').mockImplementation(async (...given: unknown[]) => {
    await putCopyFile(KEY, bytes);
    return request.apply(navigator.locks, given);
  });
  await sweepCopies();
  vi.restoreAllMocks();
  expect(await verify()).toBe(true);
});

test('a sweep removes what an older version has kept without saying of which files', async () => {
  await keep();
  const { sources: _, ...older } = (await listCopies())[0]!;
  await copyDatabase.transact(['copies'], (open) => void open('copies').put(older, KEY));
  await sweepCopies();
  expect(await listCopies()).toEqual([]);
  expect(await copyFiles()).toEqual({});
});

test('who deletes a copy that was found broken leaves the one that another tab has made in its place, or makes', async () => {
  await keep();
  const [first] = await listCopies();
  await navigator.locks.request(copyLock(KEY), async () => expect(await deleteCopy(KEY, first)).toBe(false));
  expect(await listCopies()).toEqual([first]);
  await deleteCopy(KEY, first);
  expect(await listCopies()).toEqual([]);
  await keep();
  await copyDatabase.transact(['copies'], (open) => {
    open('copies').put({ ...first, createdAt: first!.createdAt + 1 }, KEY);
  });
  expect(await deleteCopy(KEY, first)).toBe(false);
  expect(await verify()).toBe(true);
});

test('none is begun where one has become whole meanwhile', async () => {
  await keep();
  const [first] = await listCopies();
  expect(await beginCopy(KEY)).toBeNull();
  expect(await listCopies()).toEqual([first]);
  expect(await verify()).toBe(true);
});

test('copies that were made of a file go with it; those of the same name with another date or size stay', async () => {
  await keep();
  for (const other of [{ name: 'other' }, { bytes: 1 }, { modifiedAt: 2 }]) {
    await deleteCopiesOf({ ...SOURCE, ...other });
    expect(await verify(), JSON.stringify(other)).toBe(true);
  }
  await deleteCopiesOf(SOURCE);
  expect(await listCopies()).toEqual([]);
  expect(await copyFiles()).toEqual({});
});

test('a check of a copy that is not here any more says so', async () => {
  expect(await verify()).toBeNull();
});

test('no piece is hashed before the one before it has been', async () => {
  const writer = (await beginCopy(KEY))!;
  const { digest } = SubtleCrypto.prototype;
  let release = (): void => undefined;
  const gate = new Promise<void>((resolve) => (release = resolve));
  const hashing = vi.spyOn(crypto.subtle, 'digest').mockImplementation(async (...given) => {
    const found = await digest.apply(crypto.subtle, given);
    await gate;
    return found;
  });
  await writer.append(PIECES[0]!);
  const second = writer.append(PIECES[1]!);
  expect(hashing).toHaveBeenCalledTimes(1);
  release();
  await second;
  expect(hashing).toHaveBeenCalledTimes(2);
  await writer.close();
});
