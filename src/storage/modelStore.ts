// Models from the hub in this browser: files under their hash in the private file system, records in IndexedDB. A file
// is there when a record says that it had its hash and it still has its size. Writing is modelParts.ts's.

import { get, values } from 'idb-keyval';
import type { HubFile, HubModel, StoredModel, StoredModelView } from '../base/hubModel';
import { hubModelKey } from '../base/hubModel';
import { check, LorikeetError } from '../base/errors';
import { countBytes } from '../base/intervals';
import { reading, request } from './database';
import { fileIn, listFolder, removeFrom } from './folder';
import {
  MODEL_FOLDER,
  modelDatabase as database,
  modelFileLock,
  modelLock,
  PART_ENDING,
  type PartRecord,
  type WholeFile,
} from './modelDatabase';

const models = database.store('models');
const files = database.store('files');
const parts = database.store('parts');

/** What a file is called in the store: its content decides. */
export function storedName({ algorithm, hash }: HubFile): string {
  return algorithm === 'sha256' ? hash : `git-${hash}`;
}

/** The folder of the models; made when it is not there. */
export async function modelFolder(): Promise<FileSystemDirectoryHandle> {
  return (await navigator.storage.getDirectory()).getDirectoryHandle(MODEL_FOLDER, { create: true });
}

/** A file that is whole, for reading; null while it is not. Errors: storage.failed. */
export async function wholeFile(file: HubFile): Promise<File | null> {
  const name = storedName(file);
  const record = await reading('looking for a model file', get<WholeFile>(name, files));
  if (!record) return null;
  const found = await reading(
    'looking for a model file',
    modelFolder().then((folder) => fileIn(folder, name)),
  );
  return found?.size === file.bytes ? found : null;
}

/** Remembers a model before its files are fetched, or anew with a later look. Errors: storage.quota, storage.failed. */
export async function putModel(model: HubModel): Promise<StoredModel> {
  const key = hubModelKey(model);
  return database.transact(['models'], async (open) => {
    const known = (await request(open('models').get(key))) as StoredModel | undefined;
    const record: StoredModel = { ...model, key, createdAt: known?.createdAt ?? Date.now() };
    open('models').put(record, key);
    return record;
  });
}

async function stateOf(file: HubFile): Promise<{ whole: boolean; arrived: number }> {
  if (await wholeFile(file)) return { whole: true, arrived: file.bytes };
  const part = await reading('looking for a model file', get<PartRecord>(storedName(file), parts));
  return { whole: false, arrived: countBytes(part?.done ?? []) };
}

/** What is there of a model. */
async function presence({ files }: HubModel): Promise<{ whole: boolean; arrived: number }> {
  const states = await Promise.all(files.map(stateOf));
  const arrived = states.reduce((sum, one) => sum + one.arrived, 0);
  return { whole: states.every(({ whole }) => whole), arrived };
}

async function viewOf(model: StoredModel): Promise<StoredModelView> {
  return { ...model, ...(await presence(model)), folder: null };
}

/** All models of the store, newest first. Errors: storage.failed. */
export async function listModels(): Promise<StoredModelView[]> {
  const all = await reading<StoredModel[]>('listing models', values(models));
  return Promise.all(all.sort((a, b) => b.createdAt - a.createdAt).map(viewOf));
}

/** One model of the store. Errors: storage.failed. */
export async function findModel(key: string): Promise<StoredModelView | null> {
  const model = await reading('looking for a model', get<StoredModel>(key, models));
  return model ? viewOf(model) : null;
}

/**
 * The files of a stored model by their names, each read only where it is used.
 * @throws model.missing when the model or one of its files is not there
 */
export async function openStoredModel(key: string): Promise<Record<string, Blob>> {
  const model = await reading('looking for a model', get<StoredModel>(key, models));
  const hint = 'Look it up in Setup, card 1: what is missing is fetched again.';
  check(model, 'model.missing', `The model ${key} is not stored in this browser.`, hint);
  const found = await Promise.all(model.files.map(wholeFile));
  const absent = model.files.filter((_, i) => found[i] === null).map(({ name }) => name);
  const message = `The stored model ${model.id} is not whole: ${absent.join(', ')} lacks.`;
  check(absent.length === 0, 'model.missing', message, hint);
  return Object.fromEntries(model.files.map(({ name }, i) => [name, found[i]!]));
}

/** Bytes of `model` that are still to be fetched. Errors: storage.failed. */
export async function missingBytes(model: HubModel): Promise<number> {
  return model.bytes - (await presence(model)).arrived;
}

/** What a disk should keep free beside a model, for the run that follows. */
const SPARE_BYTES = 200e6;

/**
 * Whether this browser's storage plainly has no room for what is missing of a model. The estimate may be wrong: each
 * write is checked too.
 * @returns bytes that are missing and that are free; null where there is room, or nobody knows
 */
export async function lackOfRoom(model: HubModel): Promise<{ missing: number; free: number } | null> {
  const missing = await missingBytes(model);
  const { quota, usage } = await navigator.storage.estimate();
  if (missing === 0 || quota === undefined || usage === undefined) return null;
  const free = Math.max(0, quota - usage);
  return missing + SPARE_BYTES <= free ? null : { missing, free };
}

/** Removes a file and its part, whatever a record says; the caller holds its lock or is alone with it. */
export async function forgetFile(name: string): Promise<void> {
  // The records first: without them nothing takes the file for whole.
  await database.transact(['files', 'parts'], (open) => {
    open('files').delete(name);
    open('parts').delete(name);
  });
  const folder = await modelFolder();
  await removeFrom(folder, name);
  await removeFrom(folder, name + PART_ENDING);
}

/** Names of files that some model of the store has. */
async function usedNames(): Promise<Set<string>> {
  const all = await reading<StoredModel[]>('listing models', values(models));
  return new Set(all.flatMap((model) => model.files.map(storedName)));
}

/** Does `work` alone with a file, unless somebody is at it now. */
async function aloneWith(name: string, work: () => Promise<void>): Promise<void> {
  await navigator.locks.request(modelFileLock(name), { ifAvailable: true }, (lock) => (lock ? work() : undefined));
}

async function removeUnused(name: string): Promise<boolean> {
  let removed = false;
  await aloneWith(name, async () => {
    // Asked inside the lock: a model with it may have been looked up meanwhile.
    if ((await usedNames()).has(name)) return;
    await forgetFile(name);
    removed = true;
  });
  return removed;
}

/**
 * Deletes a model, with the files that no other model has.
 * @throws model.inUse while it is fetched or checked in some tab; storage.failed
 */
export async function deleteModel(key: string): Promise<void> {
  await navigator.locks.request(modelLock(key), { ifAvailable: true }, async (lock) => {
    if (!lock) {
      throw new LorikeetError(
        'model.inUse',
        `The model ${key} is being fetched or checked in this or another tab.`,
        'Pause it there, then delete it.',
      );
    }
    const model = await reading('looking for a model', get<StoredModel>(key, models));
    await database.transact(['models'], (open) => void open('models').delete(key));
    for (const file of model?.files ?? []) await removeUnused(storedName(file));
  });
}

/**
 * Removes files that no model has, and parts without a journal: what a browser that died left behind. Safe beside a
 * download in another tab. Call it at start. Errors: storage.failed.
 */
export async function sweepModels(): Promise<{ files: number; bytes: number }> {
  const swept = { files: 0, bytes: 0 };
  const used = await usedNames();
  const folder = await modelFolder();
  for (const { name: entry, bytes } of await listFolder(folder)) {
    const name = entry.replace(/(\.crswap|\.part)+$/, '');
    if (used.has(name) || !(await removeUnused(name))) continue;
    await removeFrom(folder, entry);
    swept.files++;
    swept.bytes += bytes;
  }
  return swept;
}
