// The runs that this browser stores: records, checkpoints, who works on them; opening one again.

import { create } from 'zustand';
import type { RunEvent } from '../../protocol/messages';
import { listCheckpoints, type CheckpointRecord } from '../../storage/checkpoints';
import { heldRuns } from '../../storage/runLock';
import { listRuns, readEvents, type RunRecord } from '../../storage/runs';
import type { Recipe } from '../../train/config';
import { parseStoredRecipe } from '../../train/recipe';
import { load, save } from './persist';
import { beginRun, isBusy, replay, setViewState, useRun } from './run';
import { isResumable, statusOf, type RunStatus } from './runStatus';
import type { RunView } from './runView';
import { goTo } from './settings';

export interface StoredRun {
  record: RunRecord;
  /** Newest first. */
  checkpoints: CheckpointRecord[];
  status: RunStatus;
  /** It can go on from a checkpoint. */
  resumable: boolean;
}

export interface History {
  /** Newest first. */
  runs: StoredRun[];
  /** The interrupted run that the user does not want to be asked about again. */
  declined: string | null;
}

export const useHistory = create<History>(() => ({
  runs: [],
  declined: load('declinedRun', (value) => (typeof value === 'string' ? value : null)),
}));

/** The run that this page trains now. */
function liveHere(): string | null {
  const { view, live } = useRun.getState();
  return live && isBusy(view) ? (view?.runId ?? null) : null;
}

/** Reads the stored runs, their checkpoints and who holds them. */
export async function refreshHistory(): Promise<void> {
  const [records, held] = await Promise.all([listRuns(), heldRuns()]);
  const checkpoints = await Promise.all(records.map(({ id }) => listCheckpoints(id)));
  const here = liveHere();
  const runs = records.map((record, i): StoredRun => {
    const status = statusOf(record, held, here);
    return { record, checkpoints: checkpoints[i]!, status, resumable: isResumable(record, status, checkpoints[i]!) };
  });
  useHistory.setState({ runs });
}

/** A stored run by its id. */
export function storedRun({ runs }: History, id: string | undefined): StoredRun | null {
  return runs.find(({ record }) => record.id === id) ?? null;
}

/** The newest interrupted run that can go on and that the user has not declined; null without one. */
export function interruptedRun({ runs, declined }: History): StoredRun | null {
  const found = runs.find(({ status, resumable }) => status === 'interrupted' && resumable);
  return found && found.record.id !== declined ? found : null;
}

/** Stops asking about an interrupted run; it stays in the history. */
export function declineRun(id: string): void {
  useHistory.setState({ declined: id });
  save('declinedRun', id);
}

/** The recipe that a stored run was started with. Errors: those of parseRecipe. */
export function recipeOf(record: RunRecord): Recipe {
  return parseStoredRecipe(record.recipe).recipe;
}

/** Shows a stored run as its log has it. @param recipe a mended copy of the run's; left out: the run's own */
export async function replayRun(record: RunRecord, live: boolean, recipe: Recipe = recipeOf(record)): Promise<void> {
  const events = (await readEvents(record.id)) as RunEvent[];
  const { id: runId, seed, datasetId } = record;
  const modelName = record.modelName === 'demo' ? 'demo/model' : record.modelName;
  beginRun({ runId, recipe, seed, datasetId, modelName, live });
  replay(events);
}

/** Opens a stored run. */
export async function reopenRun({ record, status }: StoredRun): Promise<void> {
  if (useRun.getState().view?.runId !== record.id || status !== 'here') {
    await replayRun(record, false);
    showUnfinished(status);
  }
  goTo('run');
}

/** A log that ends in the middle does not say whether somebody goes on with it; the run's status does. */
function showUnfinished(status: RunStatus | undefined): void {
  const { view } = useRun.getState();
  if (!isBusy(view) && view?.state !== 'elsewhere') return;
  setViewState(status === 'elsewhere' ? 'elsewhere' : 'interrupted');
}

/** Brings the run on show up to date if another tab trains it. Errors: storage.failed. */
export async function followRun(): Promise<void> {
  const shown = (): RunView | null => useRun.getState().view;
  const view = shown();
  if (view?.state !== 'elsewhere') return;
  // Who holds it first: what it logged before it let go is then read below.
  await refreshHistory();
  const events = (await readEvents(view.runId, view.lastSeq + 1)) as RunEvent[];
  if (shown() !== view) return;
  replay(events);
  showUnfinished(storedRun(useHistory.getState(), view.runId)?.status);
}
