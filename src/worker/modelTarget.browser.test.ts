// Downloads into a folder, in a real browser: the folder is one of its private file system, whose handles are of the
// same kind as those of folders on disk. The hub is a function that answers ranges; e2e/hubFolder has the server.

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { expect, test, vi } from 'vitest';
import { hubModelKey, type HubFile, type HubModel } from '../base/hubModel';
import { HUB_DEFAULTS } from '../hub/settings';
import { findFolderModel, forgetFolderModel, listFolderModels, openFolderModel } from '../storage/modelFolders';
import { createNet, download } from './downloadJobs';
import {
  JOURNAL,
  WEIGHTS,
  RANGE,
  KEEP,
  bytesOf,
  CONTENT,
  FILES,
  MODEL,
  answer,
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

test('a model arrives in a folder of its name, under its files’ own names, with nothing beside them, and is remembered', async () => {
  const { said, error } = await fetchInto(hub.root);
  expect(error).toBe(null);
  expect(await namesIn(hub.root)).toEqual(['Small-VL']);
  await expectWhole(await own());
  const [view] = await listFolderModels();
  expect(view).toMatchObject({ id: MODEL.id, whole: true, arrived: MODEL.bytes, folder: 'picked/Small-VL' });
  expect(said.at(-1)).toEqual({ type: 'downloaded', id: 1, key: view!.key });
  const files = await openFolderModel(await findFolderModel(view!.key));
  expect(Object.entries(files).map(([name, blob]) => [name, blob.size])).toEqual(
    FILES.map(({ name, bytes }) => [name, bytes]),
  );
});

test('a folder that has the model’s name, or holds it already, gets no folder in it', async () => {
  await fetchInto(await own());
  await expectWhole(await own());
  const other = await hub.root.getDirectoryHandle('other', { create: true });
  await put(other, WEIGHTS, CONTENT[WEIGHTS]!);
  const before = hub.asked.length;
  const { error } = await fetchInto(other);
  expect(error).toBe(null);
  await expectWhole(other);
  expect(hub.asked.length).toBe(before);
  expect((await listFolderModels()).map(({ folder }) => folder).sort()).toEqual(['Small-VL', 'other']);
});

test('files that are there are read once, and taken when they have the hash; the folder keeps its record', async () => {
  await fetchInto(hub.root);
  const [first] = await listFolderModels();
  hub.asked = [];
  const again = await fetchInto(hub.root);
  expect(again.error).toBe(null);
  expect(hub.asked).toEqual([]);
  expect(await listFolderModels()).toMatchObject([{ key: first!.key, whole: true }]);
  await expectWhole(await own());
});

test('a stop keeps what has arrived, in a part beside a journal, and the next download asks for the rest alone', async () => {
  const { said } = await stopAt(6);
  expect(said.at(-1)!.type).toBe('stopped');
  expect(await namesIn(await own())).toEqual([JOURNAL, 'config.json', `${WEIGHTS}.part`].sort());
  expect(await listFolderModels()).toMatchObject([{ whole: false, arrived: 500 + 5 * RANGE }]);
  hub.asked = [];
  expect((await fetchInto(hub.root)).error).toBe(null);
  expect(hub.asked[0]).toBe(`bytes=${5 * RANGE}-${6 * RANGE - 1}`);
  await expectWhole(await own());
});

test('a browser that dies loses at most what came since the last close', async () => {
  // Nothing can be closed any more after the first time, as when the process is gone.
  const { close } = FileSystemWritableFileStream.prototype;
  let closed = 0;
  vi.spyOn(FileSystemWritableFileStream.prototype, 'close').mockImplementation(async function (
    this: FileSystemWritableFileStream,
  ) {
    // From the first range of the weights on: the journal, the part, the journal; then the end.
    const large = hub.asked.length > 0 && ++closed > 3;
    if (!large) return close.call(this);
    await this.abort();
    throw new DOMException('the process is gone', 'InvalidStateError');
  });
  const { error } = await fetchInto(hub.root);
  expect(error).toMatchObject({ code: 'folder.failed' });
  vi.restoreAllMocks();
  hub.asked = [];
  expect((await fetchInto(hub.root)).error).toBe(null);
  expect(hub.asked[0]).toBe(`bytes=${KEEP}-${KEEP + RANGE - 1}`);
  await expectWhole(await own());
});

test('wrong bytes never get the file’s name', async () => {
  const wrong = CONTENT[WEIGHTS]!.slice();
  wrong[700_000]! ^= 1;
  hub.content = { ...CONTENT, [WEIGHTS]: wrong };
  expect((await fetchInto(hub.root)).error).toMatchObject({ code: 'hub.hash' });
  expect(await namesIn(await own())).toEqual([JOURNAL, 'config.json']);
  hub.content = CONTENT;
  expect((await fetchInto(hub.root)).error).toBe(null);
  await expectWhole(await own());
});

test.each<[string, () => Promise<void>, RegExp]>([
  ['another size', async () => put(await own(), WEIGHTS, bytesOf(10, 3)), /10 bytes, expected 1000000/],
  ['other bytes', async () => put(await own(), WEIGHTS, bytesOf(1_000_000, 3)), /its hash is/],
  ['a folder', async () => void (await (await own()).getDirectoryHandle(WEIGHTS, { create: true })), /another kind/],
  ['a part of somebody else', async () => put(await own(), `${WEIGHTS}.part`, bytesOf(10, 3)), /not of a download/],
])('%s under a file’s name is left alone, by name, before a byte of it is fetched', async (_, occupy, text) => {
  await occupy();
  const there = await namesIn(await own());
  const { error } = await fetchInto(hub.root);
  expect(error).toMatchObject({
    code: 'folder.taken',
    message: expect.stringMatching(text),
    hint: /Nothing of it was touched/,
  });
  expect(hub.asked).toEqual([]);
  expect((await namesIn(await own())).filter((name) => name !== JOURNAL && name !== 'config.json')).toEqual(
    there.filter((name) => name !== 'config.json'),
  );
});

test('an empty file of the name, which a cut copy leaves, is no obstacle', async () => {
  await put(await own(), WEIGHTS, new Uint8Array(0));
  expect((await fetchInto(hub.root)).error).toBe(null);
  await expectWhole(await own());
});

test('the part of another commit’s file is begun anew', async () => {
  const longer = bytesOf(1_200_000, 4);
  const [config, weights] = FILES as [HubFile, HubFile];
  const files = [config, { ...weights, bytes: longer.byteLength, hash: bytesToHex(sha256(longer)) }];
  const later: HubModel = { ...MODEL, commit: '2'.repeat(40), files };
  hub.content = { ...CONTENT, [WEIGHTS]: longer };
  const stop = new AbortController();
  hub.before = (now) => now === 18 && stop.abort();
  const net = createNet(
    { ...HUB_DEFAULTS, rangeBytes: RANGE, connections: 1, folderKeepBytes: KEEP, endpoint: MODEL.endpoint },
    () => undefined,
    () => undefined,
  );
  const request = { type: 'download', id: 1, model: later, into: hub.root } as const;
  await download({ ...net, fetch: answer }, request, () => undefined, stop.signal);
  [hub.content, hub.before, hub.asked] = [CONTENT, () => undefined, []];
  expect((await fetchInto(hub.root)).error).toBe(null);
  expect(hub.asked[0]).toBe(`bytes=0-${RANGE - 1}`);
  await expectWhole(await own());
});

test.each([
  ['QuotaExceededError', 'folder.full'],
  ['NotAllowedError', 'folder.permission'],
  ['NoModificationAllowedError', 'folder.busy'],
])('%s in the midst of it is named, and what was closed is gone on from', async (name, code) => {
  const { write } = FileSystemWritableFileStream.prototype;
  vi.spyOn(FileSystemWritableFileStream.prototype, 'write').mockImplementation(function (
    this: FileSystemWritableFileStream,
    data,
  ) {
    return hub.asked.length > KEEP / RANGE
      ? Promise.reject(new DOMException('as the disk says', name))
      : write.call(this, data);
  });
  const { error } = await fetchInto(hub.root);
  expect(error).toMatchObject({ code, message: expect.stringContaining('Small-VL') });
  vi.restoreAllMocks();
  expect(await listFolderModels()).toMatchObject([{ whole: false, arrived: 500 + KEEP }]);
  hub.asked = [];
  expect((await fetchInto(hub.root)).error).toBe(null);
  expect(hub.asked[0]).toBe(`bytes=${KEEP}-${KEEP + RANGE - 1}`);
  await expectWhole(await own());
});

test('a folder that is gone is named, when it is written to and when it is opened', async () => {
  await fetchInto(hub.root);
  const record = await findFolderModel((await listFolderModels())[0]!.key);
  const opfs = await navigator.storage.getDirectory();
  await opfs.removeEntry('picked', { recursive: true });
  expect((await fetchInto(hub.root)).error).toMatchObject({ code: 'folder.gone' });
  await expect(openFolderModel(record)).rejects.toMatchObject({ code: 'folder.gone' });
  await expect(check(record.key)).rejects.toMatchObject({ code: 'folder.gone' });
});

test('on a disk where files cannot be renamed, a part is copied to its name', async () => {
  const handle = FileSystemFileHandle.prototype as unknown as { move(name: string): Promise<void> };
  vi.spyOn(handle, 'move').mockRejectedValue(new DOMException('not on this disk', 'NotSupportedError'));
  expect((await fetchInto(hub.root)).error).toBe(null);
  await expectWhole(await own());
});

test('a check reads every file, names what is wrong or lacks, and touches nothing', async () => {
  await fetchInto(hub.root);
  const [view] = await listFolderModels();
  expect((await check(view!.key)).at(-1)).toEqual({ type: 'verified', id: 1, broken: [] });
  const wrong = CONTENT[WEIGHTS]!.slice();
  wrong[5]! ^= 1;
  await put(await own(), WEIGHTS, wrong);
  await (await own()).removeEntry('config.json');
  expect((await check(view!.key)).at(-1)).toEqual({ type: 'verified', id: 1, broken: ['config.json', WEIGHTS] });
  expect(bytesToHex(sha256(await read(await own(), WEIGHTS)))).toBe(bytesToHex(sha256(wrong)));
  expect(await listFolderModels()).toMatchObject([{ whole: false }]);
});

test('forgetting removes the record alone, and is refused while the model is being fetched', async () => {
  await fetchInto(hub.root);
  const [view] = await listFolderModels();
  await navigator.locks.request(`lorikeet-model-${view!.key}`, async () => {
    await expect(forgetFolderModel(view!.key)).rejects.toMatchObject({ code: 'model.inUse' });
  });
  await forgetFolderModel(view!.key);
  expect(await listFolderModels()).toEqual([]);
  await expectWhole(await own());
});

test('a folder with a journal of another model is refused', async () => {
  await stopAt(3);
  const stranger = { ...MODEL, id: 'y/Small-VL' };
  const net = createNet(
    HUB_DEFAULTS,
    () => undefined,
    () => undefined,
  );
  const request = { type: 'download', id: 1, model: stranger, into: hub.root } as const;
  const signal = new AbortController().signal;
  await expect(download({ ...net, fetch: answer }, request, () => undefined, signal)).rejects.toMatchObject({
    code: 'folder.otherModel',
    message: expect.stringContaining(MODEL.id),
  });
  expect(hubModelKey((await listFolderModels())[0]!)).toBe(hubModelKey(MODEL));
});

test('two tabs that want a model in the same folder fetch it once', async () => {
  const both = await Promise.all([fetchInto(hub.root), fetchInto(hub.root)]);
  expect(both.map(({ error }) => error)).toEqual([null, null]);
  expect(both.map(({ said }) => said.at(-1)!.type)).toEqual(['downloaded', 'downloaded']);
  expect(hub.asked.length).toBe(Math.ceil(CONTENT[WEIGHTS]!.byteLength / RANGE));
  expect(await listFolderModels()).toMatchObject([{ whole: true }]);
  await expectWhole(await own());
});
