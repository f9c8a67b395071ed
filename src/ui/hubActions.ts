// What the user (or the terminal runner) can ask of the hub and of the models that this browser has stored.

import { hubModelKey, type HubModel, type StoredModelView } from '../base/hubModel';
import { LorikeetError, toErrorRecord } from '../base/errors';
import { allowFolder, pickFolder, type FolderMode } from '../base/folderAccess';
import { parseModelAddress } from '../hub/modelAddress';
import type { DownloadMessage } from '../protocol/download';
import { deleteCopy } from '../storage/modelCopies';
import { findFolderModel, forgetFolderModel, isFolderKey, openFolderModel } from '../storage/modelFolders';
import { deleteModel } from '../storage/modelStore';
import type { DownloadClient, HubRequest } from './downloadClient';
import { beginCopyCheck, failCopyCheck, forgetCopyCheck, refreshCopies } from './store/copies';
import { readStorage } from './store/device';
import { refreshModels, setTask, useHub, type HubTask } from './store/hub';
import { readHubSettings } from './store/hubSettings';
import { chooseStored, useSettings, type ChosenModel } from './store/settings';
import { askToKeep } from './store/storage';

let client: DownloadClient | null = null;
let lastId = 0;

/** Gives the actions their worker; called once, at start. */
export function connectHub(downloads: DownloadClient): void {
  client = downloads;
}

/** Whether the page still waits for the request. */
export function isAwaited(id: number): boolean {
  const { task } = useHub.getState();
  return 'id' in task && task.id === id;
}

/** What a task waits for; a failure of it ends the task, unless that was given up meanwhile. */
function orProblem(id: number, work: Promise<void>, model: HubModel | null): void {
  work.catch((error: unknown) => {
    const into = model ? folderOf(useHub.getState().task) : null;
    if (isAwaited(id)) setTask({ kind: 'problem', error: toErrorRecord(error), model, into });
  });
}

/** The folder that a task writes into. */
function folderOf(task: HubTask): FileSystemDirectoryHandle | null {
  return 'into' in task ? task.into : null;
}

/** Sends what a task waits for; a failure to send ends the task. */
function ask(request: HubRequest, model: HubModel | null): void {
  orProblem(request.id, client!.send(request), model);
}

/** Asks the hub what there is under a name; the answer is a task of the store. Fetches no weights. */
export function lookUpModel(text: string, revision: string): void {
  const id = ++lastId;
  setTask({ kind: 'looking', id });
  const work = async (): Promise<void> => {
    const { endpoint } = await readHubSettings();
    const address = parseModelAddress(text, revision, endpoint);
    // Given up before anything was asked.
    if (isAwaited(id)) await client!.send({ type: 'lookUp', id, address });
  };
  orProblem(id, work(), null);
}

/**
 * Fetches what is missing of a model that was looked up, or that is there in part.
 * @param into a folder on disk that may be written to; null: this browser's store
 */
export function fetchModel(model: HubModel, into: FileSystemDirectoryHandle | null = null): void {
  const id = ++lastId;
  setTask({ kind: 'fetching', id, model, into, progress: null });
  if (!into) void askToKeep();
  ask({ type: 'download', id, model, into }, model);
}

/** @throws folder.permission when the user does not allow it */
async function allow(folder: FileSystemDirectoryHandle, mode: FolderMode): Promise<void> {
  if (await allowFolder(folder, mode)) return;
  throw new LorikeetError(
    'folder.permission',
    `The browser may not use the folder “${folder.name}” for this page.`,
    'Press again and allow it: Chrome asks once for each visit, unless you let it always.',
  );
}

/** Lets the user pick a folder on disk, in a click, and fetches the model into it. Errors: the browser's own. */
export async function fetchIntoFolder(model: HubModel): Promise<void> {
  const into = await pickFolder('lorikeet-models');
  if (into) fetchModel(model, into);
}

/** Goes on with a download, in a click: a folder has to be allowed again after a reload. @throws folder.permission */
export async function goOn(model: HubModel, into: FileSystemDirectoryHandle | null): Promise<void> {
  if (into) await allow(into, 'readwrite');
  fetchModel(model, into);
}

/** Goes on with a model of the list. @throws folder.permission, model.missing */
export async function goOnStored(view: StoredModelView): Promise<void> {
  const into = view.folder === null ? null : (await findFolderModel(view.key)).root;
  await goOn(view, into);
}

/** Opens the files of a model in a folder, once that may be read. @throws folder.*, model.missing */
async function openFolder(key: string): Promise<Required<ChosenModel>> {
  const record = await findFolderModel(key);
  await allow(record.root, 'read');
  return { key, id: record.model.id, folder: { name: record.path, files: await openFolderModel(record) } };
}

/** Makes a model of the list the one to train, in a click. @throws folder.*, model.missing */
export async function chooseListed({ key, id, folder }: StoredModelView): Promise<void> {
  chooseStored(folder === null ? { key, id } : await openFolder(key));
}

/** Opens a model that has just been fetched into a folder; what is trained stays what was clicked. Errors: folder.*. */
export async function openFetched(message: DownloadMessage): Promise<void> {
  if (message.type !== 'downloaded' || !isFolderKey(message.key)) return;
  useSettings.setState({ stored: await openFolder(message.key) });
}

/** Ends the request under way; what has arrived is kept. */
export function stopHub(): void {
  const { task } = useHub.getState();
  if (!('id' in task)) return;
  ask({ type: 'stop', id: task.id }, null);
  if (task.kind === 'looking') setTask({ kind: 'none' });
}

/** Resolves when nothing is under way. */
function idle(): Promise<void> {
  return new Promise((resolve) => {
    if (!('id' in useHub.getState().task)) return resolve();
    const stop = useHub.subscribe(({ task }) => {
      if ('id' in task) return;
      stop();
      resolve();
    });
  });
}

/**
 * Ends a download and removes what has arrived of the model; in a folder on disk that stays. Errors: model.inUse,
 * storage.failed.
 */
export async function cancelFetch(model: HubModel): Promise<void> {
  const into = folderOf(useHub.getState().task);
  stopHub();
  await idle();
  setTask({ kind: 'none' });
  if (!into) await removeModel(hubModelKey(model));
}

/**
 * Deletes a stored model; of one in a folder only what this browser knows of it. Errors: model.inUse (another tab is at
 * it), storage.failed.
 */
export async function removeModel(key: string): Promise<void> {
  await (isFolderKey(key) ? forgetFolderModel(key) : deleteModel(key));
  if (useSettings.getState().stored?.key === key) useSettings.setState({ stored: null });
  useHub.setState(({ checked }) => ({ checked: checked?.key === key ? null : checked }));
  await Promise.all([refreshModels(), readStorage()]);
}

/** Reads a model's files again and holds them against their hashes. @throws folder.permission, model.missing */
export async function checkModel({ key, folder }: StoredModelView): Promise<void> {
  if (folder !== null) await allow((await findFolderModel(key)).root, 'read');
  const id = ++lastId;
  useHub.setState({ checked: null });
  setTask({ kind: 'checking', id, key, share: 0 });
  ask({ type: 'verify', id, key }, null);
}

/** Reads a 4-bit copy again and holds it against the hashes that it was written with. */
export function checkCopy(key: string): void {
  const id = ++lastId;
  beginCopyCheck(id, key);
  client!.send({ type: 'verifyCopy', id, key }).catch((error: unknown) => failCopyCheck(toErrorRecord(error)));
}

/** Deletes a 4-bit copy; its source stays. Errors: storage.failed. */
export async function removeCopy(key: string): Promise<void> {
  await deleteCopy(key);
  forgetCopyCheck(key);
  await Promise.all([refreshCopies(), readStorage()]);
}
