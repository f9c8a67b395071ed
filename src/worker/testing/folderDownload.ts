// Downloads into a folder of the browser's private file system, for tests: its handles are of the same kind as those of
// folders on disk. The hub is a function that answers ranges.

import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { afterEach, beforeEach, expect, vi } from 'vitest';
import type { HubFile, HubModel } from '../../base/hubModel';
import { HUB_DEFAULTS } from '../../hub/settings';
import type { DownloadMessage } from '../../protocol/download';
import { modelDatabase } from '../../storage/modelDatabase';
import { createNet, download, verify } from '../downloadJobs';

export const JOURNAL = '.lorikeet-download.json';
export const WEIGHTS = 'model-00001-of-00002.safetensors';
export const RANGE = 64 * 1024;
export const KEEP = 256 * 1024;

/** Bytes that repeat nowhere near. */
export function bytesOf(length: number, seed: number): Uint8Array<ArrayBuffer> {
  let state = seed;
  return Uint8Array.from({ length }, () => (state = (state * 1664525 + 1013904223) >>> 0) >>> 24);
}

export const CONTENT: Record<string, Uint8Array<ArrayBuffer>> = {
  'config.json': bytesOf(500, 1),
  [WEIGHTS]: bytesOf(1_000_000, 2),
};
export const FILES = Object.entries(CONTENT).map(([name, bytes]): HubFile => ({
  ...{ name, bytes: bytes.byteLength, algorithm: 'sha256' },
  hash: bytesToHex(sha256(bytes)),
}));
export const MODEL: HubModel = {
  ...{ id: 'x/Small-VL', revision: 'main', endpoint: 'https://hub.test', commit: '1'.repeat(40), licence: null },
  ...{ files: FILES, bytes: FILES.reduce((sum, { bytes }) => sum + bytes, 0) },
};

interface FolderHub {
  /** The folder that was picked. */
  root: FileSystemDirectoryHandle;
  /** Ranges of the weights that were asked for. */
  asked: string[];
  /** What the hub answers with. */
  content: Record<string, Uint8Array<ArrayBuffer>>;
  /** Called before each answer of the weights. */
  before(count: number): unknown;
}

/** What a test changes; `resetFolders` sets it. */
export const hub = {} as FolderHub;

export async function answer(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const name = new URL(input as string).pathname.split('/').pop()!;
  const range = new Headers(init?.headers).get('range');
  if (name === WEIGHTS) {
    hub.asked.push(range ?? 'all');
    await hub.before(hub.asked.length);
    init?.signal?.throwIfAborted();
  }
  const bytes = hub.content[name]!;
  const found = /bytes=(\d+)-(\d+)/.exec(range ?? '');
  if (!found) return new Response(bytes);
  const [from, last] = [Number(found[1]), Number(found[2])];
  const headers = { 'Content-Range': `bytes ${from}-${last}/${bytes.byteLength}` };
  return new Response(bytes.slice(from, last + 1), { status: 206, headers });
}

export interface Fetched {
  said: DownloadMessage[];
  error: unknown;
}

/** One download to its end, as the worker does it. */
export async function fetchInto(
  into: FileSystemDirectoryHandle,
  signal = new AbortController().signal,
  model = MODEL,
): Promise<Fetched> {
  const said: DownloadMessage[] = [];
  const quick = { rangeBytes: RANGE, connections: 1, retries: 1, retryMs: 1, folderKeepBytes: KEEP };
  const net = createNet(
    { ...HUB_DEFAULTS, ...quick, endpoint: MODEL.endpoint },
    () => undefined,
    () => undefined,
  );
  const request = { type: 'download', id: 1, model, into } as const;
  const error: unknown = await download({ ...net, fetch: answer }, request, (one) => void said.push(one), signal).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  return { said, error };
}

export async function check(key: string): Promise<DownloadMessage[]> {
  const said: DownloadMessage[] = [];
  await verify({ type: 'verify', id: 1, key }, (one) => void said.push(one), new AbortController().signal);
  return said;
}

export async function namesIn(folder: FileSystemDirectoryHandle): Promise<string[]> {
  const names: string[] = [];
  for await (const name of folder.keys()) names.push(name);
  return names.sort();
}

export async function put(
  folder: FileSystemDirectoryHandle,
  name: string,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const stream = await (await folder.getFileHandle(name, { create: true })).createWritable();
  await stream.write(bytes);
  await stream.close();
}

export async function read(folder: FileSystemDirectoryHandle, name: string): Promise<Uint8Array> {
  return new Uint8Array(await (await (await folder.getFileHandle(name)).getFile()).arrayBuffer());
}

export const own = (): Promise<FileSystemDirectoryHandle> => hub.root.getDirectoryHandle('Small-VL', { create: true });

export async function expectWhole(folder: FileSystemDirectoryHandle): Promise<void> {
  expect(await namesIn(folder)).toEqual(Object.keys(CONTENT).sort());
  for (const { name, hash } of FILES) expect(bytesToHex(sha256(await read(folder, name))), name).toBe(hash);
}

/** Stops a download when so many ranges of the weights have been asked for. */
export async function stopAt(count: number): Promise<Fetched> {
  const stop = new AbortController();
  hub.before = (now) => now === count && stop.abort();
  const ended = await fetchInto(hub.root, stop.signal);
  hub.before = () => undefined;
  return ended;
}

/** An empty folder, which this browser does not know, and a hub that answers as it should. */
async function resetFolders(): Promise<void> {
  const opfs = await navigator.storage.getDirectory();
  await opfs.removeEntry('picked', { recursive: true }).catch(() => undefined);
  const root = await opfs.getDirectoryHandle('picked', { create: true });
  await modelDatabase.transact(['folders'], (open) => void open('folders').clear());
  Object.assign(hub, { root, asked: [], content: CONTENT, before: () => undefined } satisfies FolderHub);
}

/** Every test of the file begins with `resetFolders`, and its spies end with it. */
export function useFreshFolders(): void {
  beforeEach(resetFolders);
  afterEach(() => {
    vi.restoreAllMocks();
  });
}
