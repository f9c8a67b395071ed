// What the user (or the terminal runner) can ask for, in terms of workers and stores.

import type { Mend } from '../base/dataset';
import { LorikeetError, toErrorRecord, type ErrorRecord } from '../base/errors';
import type { StoredModelView } from '../base/hubModel';
import { nameOfFiles } from '../data/walkDrop';
import type { InputFile, ModelChoice, RunEvent, RunPlan } from '../protocol/messages';
import type { WorkerClient } from './workerClient';
import type { DatasetRow } from '../storage/datasets';
import type { RunRecord } from '../storage/runs';
import type { Recipe } from '../recipe/config';
import { beginDryRun, failDryRun, measureRequest, useDryRun } from './store/dryRun';
import { beginImport, dropImport, failImport, useDataset } from './store/dataset';
import { showFault } from './store/fault';
import { useHub } from './store/hub';
import { gpuMemory } from './store/gpuMemory';
import { replayRun } from './store/history';
import { beginPreview, failPreview } from './store/promptPreview';
import { beginRun, isBusy, pushEvent, useRun } from './store/run';
import { beginPlan, failPlan, planRequest } from './store/runPlan';
import { beginExport, failExports } from './store/runExports';
import { goTo, modelSource, pickedAdapter, setRecipe, useSettings } from './store/settings';
import { startObstacle } from './store/startObstacle';
import { askToKeep } from './store/storage';

let client: WorkerClient | null = null;

/** Gives the actions their workers; called once, at start. */
export function connectClient(workers: WorkerClient): void {
  client = workers;
}

function workers(): WorkerClient {
  if (!client) throw new Error('the workers are not started yet');
  return client;
}

/**
 * Imports dropped or picked files in the place of an import under way; the data worker checks them and stores what is
 * usable. @param unread paths that the browser names but does not let the page read
 */
export function importFiles(files: InputFile[], name = nameOfFiles(files), unread: string[] = []): void {
  const { recipe, seed, validationRatio } = useSettings.getState();
  cancelImport();
  const id = beginImport(name, false);
  void askToKeep();
  const model = modelSource(useSettings.getState());
  workers().toData({ type: 'import', id, name, files, unread, validationRatio, seed, recipe, model });
}

/** Imports the data that comes with the page. */
export function importDemo(): void {
  const { recipe } = useSettings.getState();
  cancelImport();
  const id = beginImport('Demo data', true);
  void askToKeep();
  const url = new URL('demo/', document.baseURI).href;
  const model = modelSource(useSettings.getState());
  workers().toData({ type: 'importBundled', id, url, recipe, model });
}

/** Takes the option's value that mends a problem of the data into the recipe, and counts the data's tokens with it. */
export function mendData({ option, value }: Mend): void {
  setRecipe({ ...useSettings.getState().recipe, [option]: value });
  const { info, bundled } = useDataset.getState();
  if (!info) return;
  cancelImport();
  const id = beginImport(info.name, bundled);
  const settings = useSettings.getState();
  const { recipe } = settings;
  workers().toData({ type: 'recount', id, datasetId: info.id, recipe, model: modelSource(settings) });
}

/** Stops the import under way, if there is one; nothing of it stays stored. */
export function cancelImport(): void {
  const id = dropImport();
  if (id !== null) workers().toData({ type: 'cancel', id });
}

/** A stored run as one file, packed by the data worker. Errors: those of exportRunFile. */
export function exportRun(runId: string): Promise<Blob> {
  const { id, file } = beginExport();
  workers().toData({ type: 'exportRun', id, runId });
  return file;
}

/**
 * What the run that is set up would take. Errors: page.notReady while an obstacle keeps it from starting; those of the
 * worker's planRun.
 */
export function planRun(): Promise<RunPlan> {
  const request = planRequest();
  if (!request) return Promise.reject(new LorikeetError('page.notReady', 'nothing is set up that could be planned'));
  const { id, plan } = beginPlan();
  workers().toData({ type: 'plan', id, ...request });
  return plan;
}

function nameOf(model: ModelChoice): string {
  if (model.kind === 'bundled') return 'demo/model';
  return model.kind === 'stored' ? model.id : (model.hubId ?? model.name);
}

/**
 * Makes a dry run of the run that is set up: its rates are remembered. Errors: page.notReady while an obstacle keeps it
 * from starting or another is under way; measure.stopped; those of the worker's dryRun.
 */
export function measureRun(): Promise<void> {
  const request = measureRequest();
  if (!request) return Promise.reject(new LorikeetError('page.notReady', 'nothing is set up that could be measured'));
  const { id, ended } = beginDryRun();
  workers().toTrainer({ ...request, id });
  return ended;
}

/** Ends the dry run under way; its answer says when it has ended. */
export function stopMeasuring(): void {
  const { id } = useDryRun.getState();
  if (id !== null) workers().toTrainer({ type: 'stopMeasure', id });
}

/** Starts a run with what is set up, and shows it. Does nothing while there is an obstacle. */
export function startRun(): void {
  if (startObstacle() !== null) return;
  const settings = useSettings.getState();
  const { recipe, seed, keepCopy } = settings;
  const adapter = pickedAdapter(settings);
  const model = modelSource(settings)!;
  const datasetId = useDataset.getState().info!.id;
  const runId = crypto.randomUUID();
  const modelName = nameOf(model);
  beginRun({ runId, recipe, seed, datasetId, modelName, live: true });
  goTo('run');
  showLoading(runId);
  void askToKeep();
  const from = adapter ? { adapter: adapter.source } : {};
  const run = { runId, recipe, seed, datasetId, model, keepCopy, gpuMemoryGb: gpuMemory(), ...from };
  workers().toTrainer({ type: 'start', ...run });
}

/** The view shows "loading" from the click on, before the worker's first report. */
function showLoading(runId: string): void {
  pushEvent({ type: 'state', state: 'loading', stage: null, runId, seq: -1, time: Date.now() });
}

/** Whether a model of the hub may be here whole; so it may until the stored ones are listed. */
function isHere(key: string): boolean {
  const { models } = useHub.getState();
  return models === null || models.some((model) => model.key === key && model.whole);
}

/** The base model of a stored run; null while it has to come from a folder that is not picked now. */
function modelOf(record: RunRecord): ModelChoice | null {
  const settings = useSettings.getState();
  const { modelKey, modelName } = record;
  if (modelKey !== undefined && isHere(modelKey)) return { kind: 'stored', key: modelKey, id: modelName };
  // A run that came from another browser, or whose model was deleted: a folder with the same model does as well.
  const bundled = modelName === 'demo' || modelName === 'demo/model';
  if (modelKey === undefined && bundled) return modelSource({ ...settings, modelKind: 'bundled' });
  // Which files they are, the checkpoint's fingerprint decides.
  const open = settings.stored?.folder && settings.stored.id === modelName;
  return modelSource({ ...settings, modelKind: open ? 'stored' : 'files' });
}

/** The model of a run in a folder that this browser remembers; null without one. */
export function folderModelOf({ modelName }: RunRecord): StoredModelView | null {
  const { models } = useHub.getState();
  return models?.find((one) => one.whole && one.folder !== null && one.id === modelName) ?? null;
}

/** Why a run's model has to be picked, and what to do. */
export function noModelText(record: RunRecord): { message: string; hint: string } {
  const { modelKey, modelName } = record;
  const known = folderModelOf(record);
  if (known) {
    return {
      message: `The model of this run, ${modelName}, is in the folder ${known.folder}, which is not open now.`,
      hint: 'Press “Use” at it in Setup, card 1, under Hugging Face, then resume.',
    };
  }
  if (modelKey !== undefined) {
    return {
      message: `The model of this run, ${modelKey}, is not stored whole in this browser.`,
      hint: 'Fetch it in Setup, card 1, or pick a folder that has the same model, then resume.',
    };
  }
  return {
    message: 'The model of this run came from a folder, and browsers forget picked folders.',
    hint: 'Pick the same folder again in Setup, card 1, then resume.',
  };
}

/** Whether a stored run needs its model's folder picked before it can go on. */
export function needsModelFolder(record: RunRecord): boolean {
  return modelOf(record) === null;
}

/**
 * Goes on with a stored run from its newest checkpoint, and shows it.
 * @param mended a copy of the run's recipe with other user rewards
 * @param model its base model; the caller may know it better than the record does
 * @throws page.busy, page.noModel (its folder must be picked again), model.missing, recipe.*, storage.failed
 */
export async function continueRun(
  record: RunRecord,
  mended?: Recipe,
  model: ModelChoice | null = modelOf(record),
): Promise<void> {
  if (isBusy(useRun.getState().view)) {
    throw new LorikeetError('page.busy', 'Another run is under way in this tab.', 'Stop it, or wait for its end.');
  }
  if (!model) {
    const { pickFault: fault } = useSettings.getState();
    if (fault) throw new LorikeetError(fault.code, fault.message, fault.hint);
    const { message, hint } = noModelText(record);
    throw new LorikeetError('page.noModel', message, hint);
  }
  if (!(await replayRun(record, true, mended))) return;
  goTo('run');
  showLoading(record.id);
  const { keepCopy } = useSettings.getState();
  const own = { keepCopy, ...(mended ? { recipe: mended } : {}) };
  workers().toTrainer({ type: 'continue', runId: record.id, model, gpuMemoryGb: gpuMemory(), ...own });
}

/** Asks the data worker for a row's prompt as tokens; the answer goes to the preview. Without a model nothing is asked. */
export function renderPrompt(row: DatasetRow): void {
  const settings = useSettings.getState();
  const model = modelSource(settings);
  if (!model) return;
  workers().toData({ type: 'renderPrompt', id: beginPreview(), recipe: settings.recipe, model, row });
}

/** Saves a checkpoint, then waits, in the middle of a step if need be. */
export function pauseRun(): void {
  workers().toTrainer({ type: 'pause' });
}

/** Goes on after a pause. */
export function resumeRun(): void {
  workers().toTrainer({ type: 'resume' });
}

/** Saves and exports what there is as of the last finished step. */
export function stopRun(): void {
  workers().toTrainer({ type: 'stop' });
}

/** Shows an error of the page's own (a crashed worker) as the end of the run on show, and of a dry run. */
export function failRun(error: ErrorRecord): void {
  failDryRun(error);
  const { view } = useRun.getState();
  if (!view || !isBusy(view)) return;
  const at = { runId: view.runId, seq: Number.MAX_SAFE_INTEGER, time: Date.now() };
  const events: RunEvent[] = [
    { type: 'error', error, ...at },
    { type: 'state', state: 'failed', stage: view.stage, ...at },
  ];
  events.forEach(pushEvent);
}

/** The data worker has crashed: all that waits for it says so in its own place; with nothing waiting, the page does. */
export function failData(error: ErrorRecord): void {
  const told = [failImport(error), failPreview(error), failExports(error), failPlan(error)];
  if (!told.includes(true)) showFault(error);
}

/** Runs what no place of the page waits for; a failure is shown above all places. */
export function orShow(work: Promise<unknown>): void {
  work.catch((error: unknown) => showFault(toErrorRecord(error)));
}
