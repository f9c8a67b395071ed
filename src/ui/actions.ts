// What the user (or the terminal runner) can ask for, in terms of workers and stores.

import { LorikeetError, toErrorRecord, type ErrorRecord } from '../base/errors';
import type { InputFile, ModelSource, RunEvent } from '../protocol/messages';
import { OWN_REWARDS_OFF } from '../protocol/userRewardWorker';
import type { WorkerClient } from '../protocol/workerClient';
import type { DatasetRow } from '../storage/datasets';
import type { RunRecord } from '../storage/runs';
import type { Recipe } from '../train/config';
import { recipeProblem } from './setup/readRecipe';
import { ownRewards } from './setup/userRewards';
import { beginImport, useDataset } from './store/dataset';
import { useDevice } from './store/device';
import { replayRun } from './store/history';
import { beginPreview } from './store/promptPreview';
import { beginRun, isBusy, pushEvent, useRun } from './store/run';
import { goTo, modelSource, useSettings } from './store/settings';

let client: WorkerClient | null = null;

/** Gives the actions their workers; called once, at start. */
export function connectClient(workers: WorkerClient): void {
  client = workers;
}

function workers(): WorkerClient {
  if (!client) throw new Error('the workers are not started yet');
  return client;
}

/** Imports dropped or picked files; the data worker checks them and stores what is usable. */
export function importFiles(files: InputFile[]): void {
  const { recipe, seed, validationRatio } = useSettings.getState();
  const label = labelOf(files);
  const id = beginImport(label, false);
  const model =
    modelSource(useSettings.getState()) ?? modelSource({ ...useSettings.getState(), modelKind: 'bundled' })!;
  workers().toData({ type: 'import', id, name: label, files, validationRatio, seed, recipe, model });
}

/** Imports the data that comes with the page. */
export function importDemo(): void {
  const { recipe } = useSettings.getState();
  const id = beginImport('Demo data', true);
  const url = new URL('demo/', document.baseURI).href;
  const model = modelSource({ ...useSettings.getState(), modelKind: 'bundled' })!;
  workers().toData({ type: 'importBundled', id, url, recipe, model });
}

function labelOf(files: InputFile[]): string {
  const tops = [...new Set(files.map((file) => file.path.split('/')[0] ?? file.path))];
  return tops.length > 3 ? `${tops.slice(0, 2).join(', ')} and ${tops.length - 2} more` : tops.join(', ');
}

/** Why training cannot start now; null when it can. */
export function startObstacle(): string | null {
  const settings = useSettings.getState();
  const dataset = useDataset.getState();
  if (isBusy(useRun.getState().view)) return 'A run is under way.';
  if (!modelSource(settings)) return 'Choose the model’s folder first.';
  if (settings.modelProblem) return 'The model has a problem.';
  if (dataset.importing) return 'The data is being checked.';
  if (!dataset.info) return 'Choose data first.';
  if (dataset.info.trainRows === 0) return 'No row to train on.';
  if (recipeProblem(settings.recipe) !== null) return 'The recipe has a problem.';
  if (ownRewards(settings.recipe).length > 0 && useDevice.getState().guard?.ownRewards === false) {
    return OWN_REWARDS_OFF;
  }
  return null;
}

/** Starts a run with what is set up, and shows it. Does nothing while there is an obstacle. */
export function startRun(): void {
  if (startObstacle() !== null) return;
  const settings = useSettings.getState();
  const { recipe, seed, adapter } = settings;
  const model = modelSource(settings)!;
  const datasetId = useDataset.getState().info!.id;
  const runId = crypto.randomUUID();
  const modelName = model.kind === 'bundled' ? 'demo/model' : (settings.picked?.name ?? 'model');
  beginRun({ runId, recipe, seed, datasetId, modelName, live: true });
  goTo('run');
  showLoading(runId);
  const from = adapter ? { adapter: adapter.source } : {};
  workers().toTrainer({ type: 'start', runId, recipe, seed, datasetId, model, ...from });
}

/** The view shows "loading" from the click on, before the worker's first report. */
function showLoading(runId: string): void {
  pushEvent({ type: 'state', state: 'loading', stage: null, runId, seq: -1, time: Date.now() });
}

/** The base model of a stored run; null while it was a folder that is not picked now. */
function modelOf(record: RunRecord): ModelSource | null {
  const settings = useSettings.getState();
  const bundled = record.modelName === 'demo' || record.modelName === 'demo/model';
  return modelSource({ ...settings, modelKind: bundled ? 'bundled' : 'files' });
}

/** Whether a stored run needs its model's folder picked before it can go on. */
export function needsModelFolder(record: RunRecord): boolean {
  return modelOf(record) === null;
}

/**
 * Goes on with a stored run from its newest checkpoint, and shows it.
 * @param mended a copy of the run's recipe with other user rewards
 * @throws page.busy, page.noModel (its folder must be picked again), recipe.*, storage.failed
 */
export async function continueRun(record: RunRecord, mended?: Recipe): Promise<void> {
  if (isBusy(useRun.getState().view)) {
    throw new LorikeetError('page.busy', 'Another run is under way in this tab.', 'Stop it, or wait for its end.');
  }
  const model = modelOf(record);
  if (!model) {
    throw new LorikeetError(
      'page.noModel',
      'The model of this run came from a folder, and browsers forget picked folders.',
      'Pick the same folder again in Setup, card 1, then resume.',
    );
  }
  await replayRun(record, true, mended);
  goTo('run');
  showLoading(record.id);
  workers().toTrainer({ type: 'continue', runId: record.id, model, ...(mended ? { recipe: mended } : {}) });
}

/** Asks the data worker for a row's prompt as tokens; the answer goes to the preview. Without a model nothing is asked. */
export function renderPrompt(row: DatasetRow): void {
  const settings = useSettings.getState();
  const model = modelSource(settings);
  if (!model) return;
  workers().toData({ type: 'renderPrompt', id: beginPreview(), recipe: settings.recipe, model, row });
}

/** Finishes the step under way, saves a checkpoint, then waits. */
export function pauseRun(): void {
  workers().toTrainer({ type: 'pause' });
}

/** Goes on after a pause. */
export function resumeRun(): void {
  workers().toTrainer({ type: 'resume' });
}

/** Finishes the step under way, then saves and exports what there is. */
export function stopRun(): void {
  workers().toTrainer({ type: 'stop' });
}

/** Shows an error of the page's own (a crashed worker) as the end of the run on show. */
export function failRun(error: ErrorRecord): void {
  const { view } = useRun.getState();
  if (!view || !isBusy(view)) return;
  const at = { runId: view.runId, seq: Number.MAX_SAFE_INTEGER, time: Date.now() };
  const events: RunEvent[] = [
    { type: 'error', error, ...at },
    { type: 'state', state: 'failed', stage: view.stage, ...at },
  ];
  events.forEach(pushEvent);
}

/** Runs an async action of a button; a failure is shown where imports show theirs. */
export function orShow(work: Promise<unknown>): void {
  work.catch((error: unknown) => {
    useDataset.setState({ failure: { error: toErrorRecord(error), problems: [] } });
  });
}
