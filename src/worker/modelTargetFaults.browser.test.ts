// What else may be the case with a folder that a model is fetched into: other versions and tabs, strangers' files, files
// that were found wrong, disks and databases that fail in between.

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { expect, test, vi } from 'vitest';
import type { HubFile, HubModel } from '../base/hubModel';
import { listCopies } from '../storage/modelCopies';
import { beginCopy } from '../storage/modelCopyFile';
import { findFolderModel, folderLock, forgetFolderModel, listFolderModels } from '../storage/modelFolders';
import { emptyCopies } from '../storage/testing/copyFiles';
import {
  WEIGHTS,
  bytesOf,
  CONTENT,
  FILES,
  MODEL,
  type Fetched,
  fetchInto,
  check,
  namesIn,
  put,
  read,
  own,
  expectWhole,
  stopAt,
  hub,
  useFreshFolders,
} from './testing/folderDownload';

useFreshFolders();

test('a check that finds a file wrong removes the 4-bit copies that were made of it, and no others', async () => {
  await fetchInto(hub.root);
  await put(await own(), WEIGHTS, CONTENT[WEIGHTS]!.slice().fill(1, 5, 6));
  const there = await (await (await own()).getFileHandle(WEIGHTS)).getFile();
  const source = { name: WEIGHTS, bytes: there.size, modifiedAt: there.lastModified };
  for (const [key, modifiedAt] of [
    ['a1', source.modifiedAt],
    ['b2', source.modifiedAt - 5000],
  ] as const) {
    const writer = (await beginCopy(key))!;
    await writer.append(bytesOf(10, 1));
    await writer.publish([], { name: 'x', sourceBytes: 1, sources: [{ ...source, modifiedAt }] });
    await writer.close();
  }
  await check((await listFolderModels())[0]!.key);
  expect((await listCopies()).map(({ key }) => key)).toEqual(['b2']);
  await emptyCopies();
});

/** No file tells that it has changed. */
function withoutDates(): void {
  vi.spyOn(File.prototype, 'lastModified', 'get').mockReturnValue(1000);
}

test.each<[string, (key: string) => Promise<unknown>]>([
  ['a check has found it wrong', check],
  ['its folder was forgotten', forgetFolderModel],
])('the journal’s word that a file is whole does not count once %s', async (_, happens) => {
  withoutDates();
  await stopAt(3);
  const wrong = CONTENT['config.json']!.slice();
  wrong[7]! ^= 1;
  await put(await own(), 'config.json', wrong);
  await happens((await listFolderModels())[0]!.key);
  const message = expect.stringMatching(/config\.json.*its hash is/);
  expect((await fetchInto(hub.root)).error).toMatchObject({ code: 'folder.taken', message });
  await put(await own(), 'config.json', CONTENT['config.json']!);
  expect((await fetchInto(hub.root)).error).toBe(null);
  await expectWhole(await own());
});

test('another version of a model is refused a folder while one is being fetched into it', async () => {
  const later: HubModel = { ...MODEL, commit: '2'.repeat(40) };
  let other: Fetched | null = null;
  hub.before = async (count) => {
    if (count === 3) other = await fetchInto(hub.root, undefined, later);
  };
  expect((await fetchInto(hub.root)).error).toBe(null);
  const message = expect.stringContaining(MODEL.commit);
  expect(other).toMatchObject({ error: { code: 'folder.otherCommit', message } });
  await expectWhole(await own());
  expect((await listFolderModels()).map(({ commit }) => commit)).toEqual([MODEL.commit]);
});

test('versions of a model in one folder have one lock', async () => {
  const later: HubModel = { ...MODEL, commit: '2'.repeat(40) };
  await fetchInto(hub.root);
  await fetchInto(hub.root, undefined, later);
  const [a, b] = await Promise.all((await listFolderModels()).map(({ key }) => findFolderModel(key)));
  expect(a!.key).not.toBe(b!.key);
  expect(folderLock(a!)).toBe(folderLock(b!));
});

test('a part of somebody else beside a file that was whole is left alone', async () => {
  await stopAt(3);
  await (await own()).removeEntry('config.json');
  await put(await own(), 'config.json.part', bytesOf(9, 5));
  expect((await fetchInto(hub.root)).error).toMatchObject({ code: 'folder.taken' });
  expect(await read(await own(), 'config.json.part')).toEqual(bytesOf(9, 5));
});

test('what has taken the name of a part that cannot be renamed is not overwritten', async () => {
  const handle = FileSystemFileHandle.prototype as unknown as { move(name: string): Promise<void> };
  vi.spyOn(handle, 'move').mockImplementation(async (name) => {
    await put(await own(), name, bytesOf(9, 5));
    throw new DOMException('it is there', 'InvalidModificationError');
  });
  expect((await fetchInto(hub.root)).error).toMatchObject({ code: 'folder.taken' });
  expect(await read(await own(), 'config.json')).toEqual(bytesOf(9, 5));
});

test('a part that was copied to its name, and is still there, goes with the next download', async () => {
  const handle = FileSystemFileHandle.prototype as unknown as { move(name: string): Promise<void> };
  vi.spyOn(handle, 'move').mockRejectedValue(new DOMException('not on this disk', 'NotSupportedError'));
  const { removeEntry } = FileSystemDirectoryHandle.prototype;
  vi.spyOn(FileSystemDirectoryHandle.prototype, 'removeEntry').mockImplementation(function (
    this: FileSystemDirectoryHandle,
    name,
  ) {
    const dies = name === `${WEIGHTS}.part`;
    return dies ? Promise.reject(new DOMException('the process is gone', 'AbortError')) : removeEntry.call(this, name);
  });
  expect((await fetchInto(hub.root)).error).toMatchObject({ code: 'folder.failed' });
  vi.restoreAllMocks();
  expect(await namesIn(await own())).toContain(`${WEIGHTS}.part`);
  expect((await fetchInto(hub.root)).error).toBe(null);
  await expectWhole(await own());
});

test('files that are all whole are a download, though this browser has no room to note it', async () => {
  const { put: note } = IDBObjectStore.prototype;
  vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (this: IDBObjectStore, value, key) {
    if ((value as { whole?: boolean }).whole) throw new DOMException('full', 'QuotaExceededError');
    return note.call(this, value, key);
  });
  const { said, error } = await fetchInto(hub.root);
  expect([error, said.at(-1)!.type]).toEqual([null, 'downloaded']);
  await expectWhole(await own());
});

test('a file of no bytes arrives, too', async () => {
  const empty: HubFile = {
    ...{ name: 'added.txt', bytes: 0, algorithm: 'sha256' },
    hash: bytesToHex(sha256(new Uint8Array(0))),
  };
  expect((await fetchInto(hub.root, undefined, { ...MODEL, files: [...FILES, empty] })).error).toBe(null);
  expect(await namesIn(await own())).toEqual(['added.txt', ...Object.keys(CONTENT)].sort());
  expect((await fetchInto(hub.root, undefined, { ...MODEL, files: [...FILES, empty] })).error).toBe(null);
});

test('a stop whose last close fails is told as that failure', async () => {
  const stop = new AbortController();
  const { close } = FileSystemWritableFileStream.prototype;
  vi.spyOn(FileSystemWritableFileStream.prototype, 'close').mockImplementation(async function (
    this: FileSystemWritableFileStream,
  ) {
    if (!stop.signal.aborted) return close.call(this);
    await this.abort();
    throw new DOMException('no room', 'QuotaExceededError');
  });
  hub.before = (count) => count === 3 && stop.abort();
  const { said, error } = await fetchInto(hub.root, stop.signal);
  expect(error).toMatchObject({ code: 'folder.full' });
  expect(said.some(({ type }) => type === 'stopped')).toBe(false);
});
