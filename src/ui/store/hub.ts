// Models of the Hugging Face hub as the page knows them: the one that is looked at or fetched, those that this browser
// has stored, and what was asked of which host.

import { create } from 'zustand';
import type { HostTraffic, HubModel, StoredModelView } from '../../base/hubModel';
import { hubModelKey } from '../../base/hubModel';
import type { ErrorRecord } from '../../base/errors';
import type { DownloadMessage, DownloadProgress } from '../../protocol/download';
import { isFolderKey, listFolderModels } from '../../storage/modelFolders';
import { listModels } from '../../storage/modelStore';
import { useSettings } from './settings';

/** What is under way with the hub. `id`: of the request that it waits for. */
export type HubTask =
  | { kind: 'none' }
  | { kind: 'looking'; id: number }
  | { kind: 'found'; model: HubModel }
  /** `progress` is null until the worker has begun. `into`: a folder on disk; null: this browser's store. */
  | { kind: 'fetching'; id: number; model: HubModel; into: Into; progress: DownloadProgress | null }
  | { kind: 'paused'; model: HubModel; into: Into }
  | { kind: 'checking'; id: number; key: string; share: number }
  /** `model` where it could be gone on with. */
  | { kind: 'problem'; error: ErrorRecord; model: HubModel | null; into: Into };

type Into = FileSystemDirectoryHandle | null;

export interface HubView {
  task: HubTask;
  /** The models of this browser and of folders that it knows; null until they have been listed. */
  models: StoredModelView[] | null;
  /** Requests to other hosts since the page was opened; empty while none was asked for. */
  traffic: HostTraffic[];
  /** Those of them that workers made which have crashed; each worker counts from nothing. */
  earlier: HostTraffic[];
  /** The outcome of the last check, in words. */
  checked: { key: string; text: string } | null;
}

export const useHub = create<HubView>(() => ({
  ...{ task: { kind: 'none' }, models: null, checked: null },
  ...{ traffic: [], earlier: [] },
}));

/** Sets what is under way. */
export function setTask(task: HubTask): void {
  useHub.setState({ task });
}

/** Lists the stored models anew. Errors: storage.failed. */
export async function refreshModels(): Promise<void> {
  const [own, folders] = await Promise.all([listModels(), listFolderModels()]);
  useHub.setState({ models: [...own, ...folders].sort((a, b) => b.createdAt - a.createdAt) });
}

/** Whether a model is chosen, so that a change of its files has to be looked at again. */
function isChosen(key: string): boolean {
  return useSettings.getState().stored?.key === key;
}

function verified(key: string, broken: string[]): void {
  const names = broken.join(', ');
  const told = isFolderKey(key)
    ? `Not as the hub lists it, or not there: ${names}. Nothing was touched: move it away, then go on.`
    : `${names} had other bytes and was removed: fetch it again.`;
  const text = broken.length === 0 ? 'Every file has the hash that the hub lists.' : told;
  useHub.setState({ checked: { key, text }, task: { kind: 'none' } });
  const { stored } = useSettings.getState();
  if (broken.length === 0 || !stored || !isChosen(key)) return;
  // In a folder the wrong bytes are still there, and may not be trained.
  useSettings.setState({ stored: isFolderKey(key) ? null : { ...stored } });
}

/** Two lists as one, host by host. */
function addTraffic(earlier: readonly HostTraffic[], later: readonly HostTraffic[]): HostTraffic[] {
  const sum = new Map<string, HostTraffic>();
  for (const { host, requests, receivedBytes } of [...earlier, ...later]) {
    const known = sum.get(host) ?? { host, requests: 0, receivedBytes: 0 };
    sum.set(host, {
      host,
      requests: known.requests + requests,
      receivedBytes: known.receivedBytes + receivedBytes,
    });
  }
  return [...sum.values()];
}

/** What a task was fetching, to go on with it. */
function wanted(task: HubTask): { model: HubModel; into: Into } | { model: null; into: null } {
  return task.kind === 'fetching' ? { model: task.model, into: task.into } : { model: null, into: null };
}

/**
 * Takes over what the download worker says.
 * @returns whether the list of stored models has changed by it
 */
export function applyDownload(message: DownloadMessage): boolean {
  if (message.type === 'traffic') {
    useHub.setState(({ earlier }) => ({ traffic: addTraffic(earlier, message.hosts) }));
    return false;
  }
  const { task } = useHub.getState();
  // What was given up meanwhile says nothing more.
  if (!('id' in task) || task.id !== message.id) return message.type === 'stopped';
  switch (message.type) {
    case 'lookedUp':
      setTask({ kind: 'found', model: message.model });
      return false;
    case 'progress':
      if (task.kind === 'fetching') setTask({ ...task, progress: message });
      return false;
    case 'downloaded':
      // Whether a model of the hub is trained stays what was clicked: somebody may have gone on with another source.
      // One in a folder has to be opened first.
      if (task.kind === 'fetching' && !task.into) {
        useSettings.setState({ stored: { key: message.key, id: task.model.id } });
      }
      setTask({ kind: 'none' });
      return true;
    case 'stopped':
      setTask(task.kind === 'fetching' ? { kind: 'paused', model: task.model, into: task.into } : { kind: 'none' });
      return true;
    case 'verifying':
      if (task.kind === 'checking') setTask({ ...task, share: message.done / message.total });
      return false;
    case 'verified':
      if (task.kind === 'checking') verified(task.key, message.broken);
      return true;
    case 'failed':
      setTask({ kind: 'problem', error: message.error, ...wanted(task) });
      return true;
    default:
      message satisfies never;
      return false;
  }
}

/** Ends what waits for a worker that has crashed. */
export function failHub(error: ErrorRecord): void {
  const { task, traffic } = useHub.getState();
  useHub.setState({ earlier: traffic });
  if ('id' in task) setTask({ kind: 'problem', error, ...wanted(task) });
}

/** The model of the hub that the page is about now: looked at, fetched or paused. */
export function taskModel(task: HubTask): HubModel | null {
  return 'model' in task ? task.model : null;
}

/** What is there of a model, in this browser's store or in a folder that was picked; null when nothing is. */
export function storedView(
  { models }: Pick<HubView, 'models'>,
  model: HubModel,
  into: Into = null,
): StoredModelView | null {
  const key = hubModelKey(model);
  const isThere = (one: StoredModelView): boolean => {
    if (!into) return one.key === key;
    const within = one.folder === into.name || one.folder?.startsWith(`${into.name}/`);
    return hubModelKey(one) === key && within === true;
  };
  return models?.find(isThere) ?? null;
}
