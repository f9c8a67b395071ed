// A model of the hub for the terminal runner: what a person does on the Model card, by one call with one end.

import type { HubAddress, HubModel, StoredModelView } from '../base/hubModel';
import { fromErrorRecord, LorikeetError } from '../base/errors';
import type { DownloadProgress } from '../protocol/download';
import { bytesText, plural } from './format';
import { fetchModel, lookUpModel } from './hubActions';
import { refreshModels, storedView, useHub, type HubTask } from './store/hub';
import { chooseStored } from './store/settings';

type Tell = (
  message: { type: 'lookedUp'; line: string } | ({ type: 'download' } & Omit<DownloadProgress, 'type' | 'id'>),
) => void;

const COMMIT = /^[0-9a-f]{40}$/;

/** Resolves with the task that comes when nothing is waited for any more; `during` hears of each one before. */
function taskEnd(during: (task: HubTask) => void = () => undefined): Promise<HubTask> {
  return new Promise((resolve) => {
    const look = (task: HubTask): void => {
      if ('id' in task) return during(task);
      stop();
      resolve(task);
    };
    const stop = useHub.subscribe(({ task }) => look(task));
    look(useHub.getState().task);
  });
}

function choose({ key, id }: StoredModelView): string {
  chooseStored({ key, id });
  return key;
}

/** A model that is stored whole under that name. A commit is always what it was; a branch may have moved. */
async function wholeOne({ id, revision }: HubAddress): Promise<StoredModelView | null> {
  await refreshModels();
  const { models } = useHub.getState();
  return (
    models?.find(
      (one) => one.whole && one.folder === null && one.id === id && [one.commit, one.revision].includes(revision),
    ) ?? null
  );
}

/** @throws hub.*, config.*, model.missing */
async function lookUp({ id, revision }: HubAddress): Promise<HubModel> {
  lookUpModel(id, revision);
  const task = await taskEnd();
  if (task.kind === 'found') return task.model;
  throw task.kind === 'problem' ? fromErrorRecord(task.error) : new LorikeetError('hub.stopped', 'It was stopped.');
}

function lineOf({ id, commit, bytes, files, licence, endpoint }: HubModel): string {
  const terms = licence ? `licence ${licence.name}${licence.link ? ` (${licence.link})` : ''}` : 'no licence named';
  return `${id} at ${commit.slice(0, 12)}, ${plural(files.length, 'file')}, ${bytesText(bytes)}, ${terms}, from ${endpoint}`;
}

/** @throws hub.*, storage.* */
async function fetchWhole(model: HubModel, tell: Tell): Promise<string> {
  fetchModel(model);
  const end = await taskEnd((task) => {
    if (task.kind !== 'fetching' || !task.progress) return;
    const { type: _type, id: _id, ...progress } = task.progress;
    tell({ type: 'download', ...progress });
  });
  if (end.kind === 'problem') throw fromErrorRecord(end.error);
  await refreshModels();
  const view = storedView(useHub.getState(), model);
  if (view?.whole) return choose(view);
  throw new LorikeetError('hub.stopped', 'The download was stopped.', 'What has arrived is kept: start again.');
}

/**
 * Makes a model of the hub the chosen one: stored under its commit, nothing is asked; else it is looked up, and what
 * is missing is fetched. Where the hub cannot be reached, a whole one of that revision is taken, which is said.
 * @throws hub.*, config.*, model.missing, storage.*
 */
export async function obtainModel(address: HubAddress, tell: Tell): Promise<{ key: string; note: string | null }> {
  const known = await wholeOne(address);
  if (known && COMMIT.test(address.revision)) return { key: choose(known), note: null };
  let model: HubModel;
  try {
    model = await lookUp(address);
  } catch (error) {
    if (!known || !(error instanceof LorikeetError) || error.code !== 'hub.unreachable') throw error;
    const note = `the hub cannot be reached; ${known.id} at ${known.commit.slice(0, 12)} is taken as it is stored.`;
    return { key: choose(known), note };
  }
  tell({ type: 'lookedUp', line: lineOf(model) });
  return { key: await fetchWhole(model, tell), note: null };
}
