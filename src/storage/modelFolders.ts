// Models from the hub that lie in folders on disk: which folder of which model, remembered by its handle, and the way to
// its files. What is in a folder is its user's: here only records are removed.

import { get, values } from 'idb-keyval';
import type { HubFile, HubModel, StoredModelView } from '../base/hubModel';
import { hubModelKey } from '../base/hubModel';
import { check, LorikeetError } from '../base/errors';
import { reading, request } from './database';
import { fileIn } from './folder';
import { modelDatabase as database, modelLock } from './modelDatabase';
import { inFolder } from './modelFolderErrors';
import { journalModel } from './modelFolderJournal';

/** A model of the hub in a folder on disk. */
export interface FolderRecord {
  key: string;
  model: HubModel;
  /** The folder that the user picked: what the browser asks permission for. */
  root: FileSystemDirectoryHandle;
  /** The folder that holds the files: that one, or one in it. */
  folder: FileSystemDirectoryHandle;
  /** For people: the names of both. */
  path: string;
  /** Epoch milliseconds. */
  createdAt: number;
  /** Bytes on disk when it was last written; whole files and what their parts hold. */
  arrived: number;
  /** Every file had its hash when it was last read. */
  whole: boolean;
  /** What the records of all models in the same folder have in common; older ones lack it. */
  place?: string;
  /**
   * Names of files for which a journal's word that they are whole does not count: it was not written here, or a check
   * has found them wrong since. Left out: all.
   */
  doubted?: string[];
}

/** Held while something is done in a folder, with whichever model: its journal and parts are the folder's. */
export function folderLock({ place, key }: Pick<FolderRecord, 'place' | 'key'>): string {
  return modelLock(place ?? key);
}

const folders = database.store('folders');
const KEY_START = 'folder:';

/** Whether the key is of a model in a folder on disk. */
export function isFolderKey(key: string): boolean {
  return key.startsWith(KEY_START);
}

function viewOf({ model, key, createdAt, arrived, whole, path }: FolderRecord): StoredModelView {
  return { ...model, key, createdAt, arrived, whole, folder: path };
}

/** All models in folders, newest first, as they were when they were last written. Errors: storage.failed. */
export async function listFolderModels(): Promise<StoredModelView[]> {
  const all = await reading<FolderRecord[]>('listing models in folders', values(folders));
  return all.sort((a, b) => b.createdAt - a.createdAt).map(viewOf);
}

/** @throws model.missing, storage.failed */
export async function findFolderModel(key: string): Promise<FolderRecord> {
  const record = await reading('looking for a model', get<FolderRecord>(key, folders));
  check(record, 'model.missing', 'The folder of this model was forgotten.', 'Look the model up and choose its folder.');
  return record;
}

/** Notes how far a model in a folder is; does nothing once it was forgotten. Errors: storage.*. */
export async function noteFolderModel(
  key: string,
  change: Pick<FolderRecord, 'arrived' | 'whole' | 'doubted'>,
): Promise<void> {
  await database.transact(['folders'], async (open) => {
    const known = (await request(open('folders').get(key))) as FolderRecord | undefined;
    if (known) open('folders').put({ ...known, ...change }, key);
  });
}

/** Forgets the folder of a model; its files stay. @throws model.inUse, storage.failed */
export async function forgetFolderModel(key: string): Promise<void> {
  const record = await reading('looking for a model', get<FolderRecord>(key, folders));
  await navigator.locks.request(folderLock(record ?? { key }), { ifAvailable: true }, async (lock) => {
    const message = 'The model is being fetched or checked in this or another tab.';
    check(lock, 'model.inUse', message, 'Pause it there, then forget it.');
    await database.transact(['folders'], (open) => void open('folders').delete(key));
  });
}

/** The largest file tells a model from its namesakes without being read. */
async function holds(folder: FileSystemDirectoryHandle, model: HubModel): Promise<boolean> {
  if ((await journalModel(folder))?.id === model.id) return true;
  const largest = model.files.reduce<HubFile | null>((a, b) => (a && a.bytes >= b.bytes ? a : b), null);
  const found = largest && (await fileIn(folder, largest.name));
  return found?.size === largest?.bytes && found !== null;
}

/** Where in a picked folder a model lies: there, where it has the model's name or files, else in one of that name in it. */
async function placeOf(root: FileSystemDirectoryHandle, model: HubModel): Promise<FileSystemDirectoryHandle> {
  const name = model.id.split('/').pop()!;
  // A folder that is gone looks like an empty one otherwise.
  await root.keys().next();
  if (root.name === name || (await holds(root, model))) return root;
  return root.getDirectoryHandle(name, { create: true });
}

async function isSame(a: FileSystemDirectoryHandle, b: FileSystemDirectoryHandle): Promise<boolean> {
  return a.isSameEntry(b).catch(() => false);
}

/** @throws folder.otherCommit while another version of the model is being fetched into its folder */
async function refuseOther(record: FolderRecord): Promise<void> {
  const { held = [] } = await navigator.locks.query();
  if (!held.some(({ name }) => name === folderLock(record))) return;
  const { folder, model } = record;
  const journal = await journalModel(folder);
  if (journal === null || journal.commit === model.commit) return;
  throw new LorikeetError(
    'folder.otherCommit',
    `In the folder “${folder.name}” another version of ${model.id} is being fetched or checked now: ${journal.commit}.`,
    'Choose another folder, or pause it there first.',
  );
}

/**
 * Remembers where a model lies; the same folder keeps its key. Tabs do it one after the other.
 * @throws folder.otherCommit, storage.*
 */
async function remember(found: Pick<FolderRecord, 'model' | 'root' | 'folder' | 'path'>): Promise<FolderRecord> {
  return navigator.locks.request('lorikeet-model-folders', async () => {
    const all = await reading<FolderRecord[]>('looking for a model', values(folders));
    let known: FolderRecord | undefined;
    let place: string | undefined;
    for (const one of all) {
      if (!(await isSame(one.folder, found.folder))) continue;
      place ??= one.place ?? one.key;
      if (hubModelKey(one.model) === hubModelKey(found.model)) known = one;
    }
    const fresh = { key: KEY_START + crypto.randomUUID(), createdAt: Date.now(), arrived: 0, whole: false };
    const own = known ?? fresh;
    const record: FolderRecord = { ...own, ...found, place: place ?? own.key };
    await refuseOther(record);
    await database.transact(['folders'], (open) => void open('folders').put(record, record.key));
    return record;
  });
}

/**
 * Opens a folder that was picked for a model, to write into: makes the model's own folder in it where it needs one, and
 * remembers it.
 * @throws folder.*, storage.*
 */
export async function enterFolder(root: FileSystemDirectoryHandle, model: HubModel): Promise<FolderRecord> {
  const folder = await inFolder(`opening the folder for ${model.id}`, root.name, placeOf(root, model));
  const other = await journalModel(folder);
  if (other !== null && other.id !== model.id) {
    throw new LorikeetError(
      'folder.otherModel',
      `In the folder “${folder.name}” a download of another model is under way: ${other.id}.`,
      'Choose another folder, or finish that download first.',
    );
  }
  return remember({ model, root, folder, path: folder === root ? root.name : `${root.name}/${folder.name}` });
}

/** One file of a model in a folder; null where there is none of its size. Errors: folder.*. */
export async function folderFile({ folder }: FolderRecord, { name, bytes }: HubFile): Promise<File | null> {
  const file = await inFolder(`opening ${name}`, folder.name, fileIn(folder, name));
  return file?.size === bytes ? file : null;
}

/** @throws folder.gone when the folder of a model is not where it was; folder.* */
export async function expectFolder({ folder, model, path }: FolderRecord): Promise<void> {
  await inFolder(`opening ${model.id}`, path, folder.keys().next());
}

/**
 * The files of a model in a folder by their names, each read only where it is used. The page may read the folder.
 * @throws folder.gone when the folder or one of its files is not there, or has another size; folder.*
 */
export async function openFolderModel(record: FolderRecord): Promise<Record<string, Blob>> {
  const { model, path } = record;
  await expectFolder(record);
  const found = await Promise.all(model.files.map((file) => folderFile(record, file)));
  const absent = model.files.filter((_, i) => found[i] === null).map(({ name }) => name);
  check(
    absent.length === 0,
    'folder.gone',
    `The folder “${path}” does not hold ${model.id} whole any more: ${absent.join(', ')} lacks, or has another size.`,
    'Bring it back; or look the model up and go on into that folder: what is missing is fetched.',
  );
  return Object.fromEntries(model.files.map(({ name }, i) => [name, found[i]!]));
}
