// The run on show. Events arrive one by one and are reduced in batches, at most four times a second. When a run goes
// on from a checkpoint, the view is built anew from the log that was cut there.

import { create } from 'zustand';
import type { RunEvent } from '../../protocol/messages';
import type { Recipe } from '../../recipe/config';
import { readLog } from './runLog';
import { reduceRun } from './runReducer';
import { emptyRun, type RunView, type ViewState } from './runView';

export interface RunStore {
  view: RunView | null;
  /** The recipe that the run was started with; it never changes afterwards. */
  recipe: Recipe | null;
  seed: number;
  datasetId: string | null;
  modelName: string;
  /** false for a stored run that is looked at again. */
  live: boolean;
}

export const useRun = create<RunStore>(() => ({
  view: null,
  recipe: null,
  seed: 0,
  datasetId: null,
  modelName: '',
  live: false,
}));

const FLUSH_MS = 250;
let waiting: RunEvent[] = [];
let timer: ReturnType<typeof setTimeout> | null = null;
let lastFlush = 0;
/** Events that wait for a view that is being built from storage; null while none is. */
let held: RunEvent[] | null = null;

/** Planned steps that a recipe names outright; null where epochs decide. */
function plannedSteps(recipe: Recipe): RunView['planned'] {
  const of = (steps: number): number | null => (steps >= 0 ? steps : null);
  return { sft: of(recipe.sft.max_steps), grpo: of(recipe.grpo.max_steps) };
}

/** The view of a run that has not reported anything. */
export function startView(runId: string, recipe: Recipe): RunView {
  return emptyRun(runId, plannedSteps(recipe));
}

let claims = 0;

/**
 * Announces that a run is to be shown once its log has been read.
 * @returns whether that still holds: false once another run is shown or announced
 */
export function claimShow(): () => boolean {
  const mine = ++claims;
  return () => mine === claims;
}

/** Shows a run that is about to start (or to be reopened). @param view what its log has; left out: nothing yet */
export function beginRun(run: Omit<RunStore, 'view'> & { runId: string; recipe: Recipe }, view?: RunView): void {
  const { runId, ...rest } = run;
  claims += 1;
  dropWaiting();
  useRun.setState({ ...rest, view: view ?? startView(runId, run.recipe) });
}

/** Shows a view that went on from the one on show. */
export function replaceView(view: RunView): void {
  useRun.setState({ view });
}

/** Takes an event; the view changes within 250 ms (after a resumption, when the log has been read). */
export function pushEvent(event: RunEvent): void {
  if (held) {
    held.push(event);
    return;
  }
  if (event.type === 'resumed' && event.runId === useRun.getState().view?.runId) {
    void rebuild(event);
    return;
  }
  waiting.push(event);
  if (timer !== null) return;
  timer = setTimeout(flush, Math.max(0, lastFlush + FLUSH_MS - performance.now()));
}

/** Builds the view from the stored log up to a resumption, then applies it and what has come meanwhile. */
async function rebuild(resumed: RunEvent): Promise<void> {
  flushNow();
  const { view, recipe } = useRun.getState();
  if (view?.runId !== resumed.runId || !recipe) return;
  const events = (held = [resumed]);
  const empty = startView(view.runId, recipe);
  // A log that cannot be read leaves the view that there is; the reducer cuts it at the resumption.
  const stored = await readLog(empty, { beforeSeq: resumed.seq }).catch(() => empty);
  if (held !== events) return;
  held = null;
  replaceView(reduceRun(stored === empty ? view : stored, events));
}

/** Says what a run is that is only looked at: its log ends in the middle. */
export function setViewState(state: ViewState): void {
  useRun.setState(({ view }) => ({ view: view && { ...view, state } }));
}

function flush(): void {
  timer = null;
  lastFlush = performance.now();
  const batch = waiting;
  waiting = [];
  useRun.setState(({ view }) => ({ view: view && reduceRun(view, batch) }));
}

/** Applies events that still wait; for readers that must not be 250 ms behind. */
export function flushNow(): void {
  if (timer !== null) clearTimeout(timer);
  flush();
}

function dropWaiting(): void {
  if (timer !== null) clearTimeout(timer);
  timer = null;
  waiting = [];
  held = null;
}

/** True while a run holds the GPU: starting another or leaving the page would cost work. */
export function isBusy(view: RunView | null): boolean {
  return view !== null && ['loading', 'running', 'pausing', 'paused', 'stopping'].includes(view.state);
}
