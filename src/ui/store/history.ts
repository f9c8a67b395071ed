// The runs that this browser stores: records, checkpoints, who works on them; opening one again.

import { create } from 'zustand';
import { listCheckpoints, type CheckpointRecord } from '../../storage/checkpointStore';
import { heldRuns } from '../../storage/runLock';
import { listRuns, type RunRecord } from '../../storage/runs';
import type { Recipe } from '../../recipe/config';
import { parseStoredRecipe } from '../../recipe/recipe';
import { load, save } from './persist';
import { beginRun, claimShow, isBusy, replaceView, setViewState, startView, useRun } from './run';
import { readLog } from './runLog';
import { reduceRun } from './runReducer';
import { isResumable, missingEnd, statusOf, type RunStatus } from './runStatus';
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
  /** The run whose log is being read to show it, and how much of it has been. */
  opening: { runId: string; percent: number } | null;
}

export const useHistory = create<History>(() => ({
  runs: [],
  opening: null,
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

/**
 * Shows a stored run as its log has it.
 * @param recipe a mended copy of the run's; left out: the run's own
 * @returns false if another run was asked for meanwhile: then that one is shown
 * @throws LorikeetError storage.failed, and those of readRecipe
 */
export async function replayRun(record: RunRecord, live: boolean, recipe: Recipe = recipeOf(record)): Promise<boolean> {
  const { id: runId, seed, datasetId } = record;
  const isWanted = claimShow();
  const progress = (share: number): void => {
    const percent = Math.floor(share * 100);
    const { opening } = useHistory.getState();
    if (isWanted() && (opening?.runId !== runId || opening.percent !== percent)) {
      useHistory.setState({ opening: { runId, percent } });
    }
  };
  try {
    const view = await readLog(startView(runId, recipe), { progress });
    if (!isWanted()) return false;
    const modelName = record.modelName === 'demo' ? 'demo/model' : record.modelName;
    beginRun({ runId, recipe, seed, datasetId, modelName, live }, view);
    return true;
  } finally {
    useHistory.setState(({ opening }) => (opening?.runId === runId ? { opening: null } : {}));
  }
}

/** Opens a stored run. Errors: those of replayRun. */
export async function reopenRun({ record, status }: StoredRun): Promise<void> {
  if (useRun.getState().view?.runId !== record.id || status !== 'here') {
    if (!(await replayRun(record, false))) return;
    const { view } = useRun.getState();
    if (view) replaceView(reduceRun(view, missingEnd(record, view)));
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
  const next = await readLog(view, { fromSeq: view.lastSeq + 1 });
  if (shown() !== view) return;
  replaceView(next);
  showUnfinished(storedRun(useHistory.getState(), view.runId)?.status);
}
