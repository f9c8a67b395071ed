// What the user (or the terminal runner) can ask for, in terms of workers and stores.

import { toErrorRecord, type ErrorRecord } from '../base/errors';
import type { InputFile, RunEvent } from '../protocol/messages';
import type { WorkerClient } from '../protocol/workerClient';
import { recipeProblem } from './setup/readRecipe';
import { beginImport, useDataset } from './store/dataset';
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
  return null;
}

/** Starts a run with what is set up, and shows it. Does nothing while there is an obstacle. */
export function startRun(): void {
  if (startObstacle() !== null) return;
  const settings = useSettings.getState();
  const { recipe, seed } = settings;
  const model = modelSource(settings)!;
  const datasetId = useDataset.getState().info!.id;
  const runId = crypto.randomUUID();
  const modelName = model.kind === 'bundled' ? 'demo/model' : (settings.picked?.name ?? 'model');
  beginRun({ runId, recipe, seed, datasetId, modelName, live: true });
  goTo('run');
  // The view shows "loading" from the click on, before the worker's first report.
  pushEvent({ type: 'state', state: 'loading', stage: null, runId, seq: -1, time: Date.now() });
  workers().toTrainer({ type: 'start', runId, recipe, seed, datasetId, model });
}

/** Finishes the step under way, then waits. */
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
