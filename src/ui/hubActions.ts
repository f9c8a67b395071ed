// What the user (or the terminal runner) can ask of the hub and of the models that this browser has stored.

import { hubModelKey, type HubModel, type StoredModelView } from '../base/hubModel';
import { toErrorRecord } from '../base/errors';
import { parseModelAddress } from '../hub/modelAddress';
import { deleteCopy } from '../storage/modelCopies';
import { deleteModel } from '../storage/modelStore';
import type { DownloadClient, HubRequest } from './downloadClient';
import { beginCopyCheck, failCopyCheck, forgetCopyCheck, refreshCopies } from './store/copies';
import { readStorage } from './store/device';
import { refreshModels, setTask, useHub } from './store/hub';
import { readHubSettings } from './store/hubSettings';
import { useSettings } from './store/settings';
import { askToKeep } from './store/storage';

let client: DownloadClient | null = null;
let lastId = 0;

/** Gives the actions their worker; called once, at start. */
export function connectHub(downloads: DownloadClient): void {
  client = downloads;
}

/** Whether the page still waits for the request. */
function isAwaited(id: number): boolean {
  const { task } = useHub.getState();
  return 'id' in task && task.id === id;
}

/** What a task waits for; a failure of it ends the task, unless that was given up meanwhile. */
function orProblem(id: number, work: Promise<void>, model: HubModel | null): void {
  work.catch((error: unknown) => {
    if (isAwaited(id)) setTask({ kind: 'problem', error: toErrorRecord(error), model });
  });
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

/** Fetches what is missing of a model that was looked up, or that is stored in part. */
export function fetchModel(model: HubModel): void {
  const id = ++lastId;
  setTask({ kind: 'fetching', id, model, progress: null });
  void askToKeep();
  ask({ type: 'download', id, model }, model);
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

/** Ends a download and removes what has arrived of the model. Errors: model.inUse, storage.failed. */
export async function cancelFetch(model: HubModel): Promise<void> {
  stopHub();
  await idle();
  setTask({ kind: 'none' });
  await removeModel(hubModelKey(model));
}

/** Deletes a stored model. Errors: model.inUse (another tab is at it), storage.failed. */
export async function removeModel(key: string): Promise<void> {
  await deleteModel(key);
  if (useSettings.getState().stored?.key === key) useSettings.setState({ stored: null });
  useHub.setState(({ checked }) => ({ checked: checked?.key === key ? null : checked }));
  await Promise.all([refreshModels(), readStorage()]);
}

/** Reads a stored model's files again and holds them against their hashes. */
export function checkModel({ key }: StoredModelView): void {
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
