// Datasets in IndexedDB: one record per dataset, image bytes under their content hash, thumbnails beside them.
// A dataset exists once its record is committed; images without a record are swept. Checks no rows.

import { get, keys, values } from 'idb-keyval';
import type { DatasetInfo, DatasetRow, PictureSize, Thumbnails } from '../base/dataset';
import { LorikeetError } from '../base/errors';
import type { ImageLoading } from '../base/imageLoading';
import { openDatabase, reading, request } from './database';

export type { DatasetRow };

/** `rows` and `images` are apart from `info`, so that the list of datasets is read without them. */
interface DatasetBody {
  rows: DatasetRow[];
  /** Hashes of every image that the rows use. */
  images: string[];
  /** By hash; absent in datasets of older versions, until a run has read them. */
  sizes?: Record<string, PictureSize>;
}

/** A dataset as it is stored. */
export interface StoredDataset {
  info: DatasetInfo;
  rows: DatasetRow[];
  /** By the picture's hash; those of an older version's dataset are missing. */
  sizes: Map<string, PictureSize>;
}

/** Version 2 lists the pictures of each dataset in an index, so that a sweep reads no rows. */
const database = openDatabase('lorikeet-datasets', ['infos', 'bodies', 'images', 'thumbnails'], 2, {
  bodies: 'images',
});
const infos = database.store('infos');
const bodies = database.store('bodies');
const images = database.store('images');
const thumbnails = database.store('thumbnails');

// Large enough to be quick, small enough that one transaction neither doubles the images' memory nor is silent for long.
const BATCH_BYTES = 4 * 1024 * 1024;

function* imageBatches(all: Map<string, Uint8Array>, skip: Set<string>): Generator<[string, Uint8Array][]> {
  let batch: [string, Uint8Array][] = [];
  let bytes = 0;
  for (const entry of all) {
    if (skip.has(entry[0])) continue;
    batch.push(entry);
    bytes += entry[1].byteLength;
    if (bytes < BATCH_BYTES) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}

async function writeImages(all: Map<string, Uint8Array>, onProgress: (done: number) => void): Promise<void> {
  const stored = await storedImages();
  let done = [...all.keys()].filter((hash) => stored.has(hash)).length;
  onProgress(done);
  for (const batch of imageBatches(all, stored)) {
    await database.transact(['images'], (open) => {
      for (const [hash, bytes] of batch) open('images').put(bytes, hash);
    });
    done += batch.length;
    onProgress(done);
  }
}

async function commit(
  info: DatasetInfo,
  body: DatasetBody,
  all: Map<string, Uint8Array>,
  small: Map<string, Thumbnails>,
): Promise<void> {
  await database.transact(['infos', 'bodies', 'images', 'thumbnails'], async (open) => {
    // Another tab's sweep may have dropped images since they were written; here nothing can come between.
    const stored = new Set((await request(open('images').getAllKeys())) as string[]);
    for (const hash of body.images) {
      if (stored.has(hash)) continue;
      const bytes = all.get(hash);
      if (!bytes) throw new LorikeetError('storage.imageMissing', `image ${hash} of "${info.name}" was not given`);
      open('images').put(bytes, hash);
    }
    for (const [hash, bytes] of small) open('thumbnails').put(bytes, hash);
    open('bodies').put(body, info.id);
    open('infos').put(info, info.id);
  });
}

/** Reads keys only: rows and pictures of many datasets would not fit in memory at once. */
async function sweep(open: (name: string) => IDBObjectStore): Promise<void> {
  const users = open('bodies').index('images');
  const drop = async (store: IDBObjectStore, hash: IDBValidKey): Promise<void> => {
    if ((await request(users.getKey(hash))) === undefined) store.delete(hash);
  };
  for (const store of [open('images'), open('thumbnails')]) {
    const hashes = await request(store.getAllKeys());
    await Promise.all(hashes.map((hash) => drop(store, hash)));
  }
}

/**
 * Stores a dataset whole or not at all: images first, then the record that makes it exist. The same id is replaced.
 * @param all file bytes by sha256 hex, at least those that `rows` name and are not stored yet
 * @param small thumbnails by the same hashes
 * @param onProgress images written; what it throws undoes all
 * @param sizes of the pictures, by the same hashes
 * @throws LorikeetError storage.quota (nothing is left behind), storage.failed, storage.imageMissing
 */
export async function saveDataset(
  info: DatasetInfo,
  rows: DatasetRow[],
  all: Map<string, Uint8Array>,
  small: Map<string, Thumbnails> = new Map(),
  onProgress: (done: number) => void = () => undefined,
  sizes: ReadonlyMap<string, PictureSize> = new Map(),
): Promise<void> {
  const used = [...new Set(rows.map((row) => row.image))];
  try {
    await writeImages(all, onProgress);
    await commit(info, { rows, images: used, sizes: Object.fromEntries(sizes) }, all, small);
  } catch (error) {
    // If even the sweep fails, the next start sweeps; the first error is the one to show.
    await dropUnusedImages().catch(() => undefined);
    throw error;
  }
}

/** All stored datasets, newest first. Errors: storage.failed. */
export async function listDatasets(): Promise<DatasetInfo[]> {
  const list = await reading<DatasetInfo[]>('listing datasets', values(infos));
  return list.sort((a, b) => b.createdAt - a.createdAt);
}

/** Rows, description and picture sizes of a dataset. Errors: storage.missing, storage.failed. */
export async function loadDataset(id: string): Promise<StoredDataset> {
  const info = await reading('reading a dataset', get<DatasetInfo>(id, infos));
  const body = await reading('reading a dataset', get<DatasetBody>(id, bodies));
  if (info && body) return { info, rows: body.rows, sizes: new Map(Object.entries(body.sizes ?? {})) };
  throw notStored(`dataset ${id}`, 'Drop its files again.');
}

/** Puts other token counts and problems in the place of a stored dataset's. Errors: storage.missing, storage.* */
export async function replaceCounts(info: DatasetInfo, rows: DatasetRow[]): Promise<void> {
  await changeBody(info.id, (body, open) => {
    open('infos').put(info, info.id);
    return { ...body, rows };
  });
}

/** Keeps the sizes of a stored dataset's pictures, so that no later start reads the files. Errors: storage.* */
export async function addPictureSizes(id: string, sizes: ReadonlyMap<string, PictureSize>): Promise<void> {
  await changeBody(id, (body) => ({ ...body, sizes: { ...body.sizes, ...Object.fromEntries(sizes) } }));
}

async function changeBody(
  id: string,
  change: (body: DatasetBody, open: (name: string) => IDBObjectStore) => DatasetBody,
): Promise<void> {
  await database.transact(['infos', 'bodies'], async (open) => {
    const body = (await request(open('bodies').get(id))) as DatasetBody | undefined;
    if (!body) throw notStored(`dataset ${id}`, 'Drop its files again.');
    open('bodies').put(change(body, open), id);
  });
}

/** Which of the pictures are stored, without reading one. Errors: storage.failed. */
export async function storedImages(): Promise<Set<string>> {
  return new Set(await reading('listing images', keys<string>(images)));
}

function notStored(what: string, hint: string): LorikeetError {
  return new LorikeetError('storage.missing', `${what} is not stored in this browser`, hint);
}

/** That a picture is not stored. */
export function imageMissing(hash: string): LorikeetError {
  return notStored(`image ${hash}`, 'Drop the data again.');
}

/** A stored image file's bytes by sha256 hex. Errors: storage.missing, storage.failed. */
export async function loadImage(hash: string): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await reading('reading an image', get<Uint8Array<ArrayBuffer>>(hash, images));
  if (bytes) return bytes;
  throw imageMissing(hash);
}

/** An image's small JPEG, loaded as the model sees it; null when there is none. Errors: storage.failed. */
export async function loadThumbnail(hash: string, loading: ImageLoading): Promise<Uint8Array<ArrayBuffer> | null> {
  // Older versions stored one thumbnail for both, with the library's pixels.
  type Stored = Thumbnails | Uint8Array<ArrayBuffer> | undefined;
  const stored = await reading('reading a thumbnail', get<Stored>(hash, thumbnails));
  if (!stored) return null;
  return stored instanceof Uint8Array ? stored : (stored[loading] ?? stored.library);
}

/** Removes a dataset and the images that no other dataset uses, in one step. Errors: storage.failed. */
export async function deleteDataset(id: string): Promise<void> {
  await database.transact(['infos', 'bodies', 'images', 'thumbnails'], async (open) => {
    open('infos').delete(id);
    open('bodies').delete(id);
    await sweep(open);
  });
}

/** Removes what an interrupted import left behind. Safe beside a running import. Errors: storage.failed. */
export async function dropUnusedImages(): Promise<void> {
  await database.transact(['bodies', 'images', 'thumbnails'], sweep);
}
