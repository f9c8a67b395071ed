// The contract with the terminal runner: it drives this page through window.lorikeet and hears through
// window.lorikeetHost, a function that it installs before the page loads. Without a host nothing here is active.

import { LorikeetError, type ErrorRecord, fromErrorRecord } from '../base/errors';
import type { DownloadProgress } from '../protocol/download';
import type {
  DatasetInfo,
  ImportProblem,
  RunEvent,
  RunPlan,
  DataMessage,
  InputFile,
  TrainerMessage,
} from '../protocol/messages';
import { importRunFile } from '../storage/checkpointFile';
import type { RunRecord } from '../storage/runs';
import type { Recipe } from '../recipe/config';
import {
  continueRun,
  importDemo,
  measureRun,
  pauseRun,
  planRun,
  resumeRun,
  startRun,
  stopRun,
  exportRun,
  importFiles,
} from './actions';
import { artifactOf, ARTIFACTS, type ArtifactName } from './exports/artifact';
import { saveFile } from './exports/saveFile';
import { obtainModel } from './hubModel';
import { takeAdapter } from './setup/adapterFiles';
import { readRecipe } from './recipe/readRecipe';
import { useDataset } from './store/dataset';
import { useDevice } from './store/device';
import { setGpuMemory } from './store/gpuMemory';
import { modelRead } from './store/model';
import { flushNow, useRun } from './store/run';
import { recipeOf } from './store/history';
import { modelSource, setRecipe, setSeed, useSettings } from './store/settings';
import { adapterObstacle, modelObstacle, startObstacle, type StartObstacle } from './store/startObstacle';
import { assertWanted, type Wanted } from './wanted';

/** What the page tells the host. */
export type HostMessage =
  /** The page takes calls and files. A dataset of an earlier visit has been reported before. */
  | { type: 'ready' }
  | { type: 'event'; event: RunEvent }
  | { type: 'importProgress'; step: ImportStep; done: number; total: number }
  /** What the hub has said of the model that was named, in one line. */
  | { type: 'lookedUp'; line: string }
  | ({ type: 'download' } & Omit<DownloadProgress, 'type' | 'id'>)
  | { type: 'dataset'; info: DatasetInfo; bundled: boolean }
  | Extract<TrainerMessage, { type: 'measuring' | 'measureNotice' }>
  | { type: 'datasetFailed'; error: ErrorRecord; problems: ImportProblem[] }
  /** The browser or its adapter cannot train. */
  | { type: 'unsupported'; error: ErrorRecord }
  /** A worker died: the run has ended without an event of its own. */
  | { type: 'failed'; error: ErrorRecord };

type ImportStep = Extract<DataMessage, { type: 'progress' }>['step'];

/**
 * What the host may call. A failed call throws (or rejects with) a LorikeetError. `names` are those of the files that
 * the host has put into the input #automation-files before, in their order: a file's own name may be another.
 */
export interface LorikeetApi {
  /** Takes a recipe as JSON text or as the parsed object, with its seed if it has one; answers with notes on it. */
  setRecipe(json: unknown): string[];
  setSeed(seed: number): void;
  /** GPU memory that a new run may reckon with, in GB; waits for the adapter, which has a figure of its own. */
  setGpuMemory(gigabytes: number): Promise<void>;
  /** Takes the files of a model's folder. @param folder what the run calls it. Errors: model.*, page.files */
  setModel(names: string[], folder: string): Promise<void>;
  /**
   * Takes a model of the hub: fetches what is not stored, tells `lookedUp` and `download` meanwhile.
   * @returns its key in the store, and what the user should know; errors: hub.*, storage.*, model.*
   */
  setHubModel(id: string, revision: string): Promise<{ key: string; note: string | null }>;
  /** Takes the two files of a PEFT adapter. @param name what the run calls it. Errors: adapter.*, page.files */
  setAdapter(names: string[], name: string): Promise<void>;
  /** Begins to import files of data, named with their folders; a message of the data's says how that ends. */
  importData(names: string[]): void;
  /** Waits for an import under way (of the demo's data where that is wanted), then starts. Answers with the seed. */
  start(wanted: Wanted): Promise<{ seed: number }>;
  /** Waits as `start` does, and says what the run would take instead of starting it. */
  plan(wanted: Wanted): Promise<RunPlan>;
  /** Waits as `start` does, makes a dry run, telling `measuring` and `measureNotice` meanwhile, and plans with what it has measured. */
  measure(wanted: Wanted): Promise<RunPlan>;
  /** Stores the run of the one file, and sets it up. */
  openRun(names: string[]): Promise<void>;
  /** Goes on with the opened run, with its data as `start`. @param mended recipe as JSON with other user rewards */
  continueRun(wanted: Wanted, mended: string | null): Promise<void>;
  pause(): void;
  resume(): void;
  stop(): void;
  /** Saves a file of the run as a download under its name. */
  artifact(name: string): Promise<Saved>;
  /** Saves the run's newest checkpoint, record and log as a download, RUN_FILE. */
  runFile(): Promise<Saved>;
}

interface Saved {
  /** Size of the file. */
  bytes: number;
  /** What the file lacks, as a sentence; null when it is whole. */
  note: string | null;
}

/** What the host names the file that it keeps a run in. */
const RUN_FILE = 'run.safetensors';

interface HostWindow {
  lorikeetHost?: (message: HostMessage) => unknown;
  lorikeet?: LorikeetApi;
}

/** True when a terminal runner drives the page. */
export function hasHost(): boolean {
  return typeof (window as HostWindow).lorikeetHost === 'function';
}

/** Tells the host something; without a host, nothing happens. */
export function tellHost(message: HostMessage): void {
  (window as HostWindow).lorikeetHost?.(message);
}

/** Puts window.lorikeet in place if a host is there. */
export function installAutomation(): void {
  if (!hasHost()) return;
  // What a host's browser keeps is models of the hub alone.
  useSettings.setState({ keepCopy: false });
  const input = addFileInput();
  let opened: RunRecord | null = null;
  (window as HostWindow).lorikeet = {
    setRecipe: takeRecipe,
    setSeed,
    setGpuMemory: async (gigabytes) => {
      await adapterProbed();
      setGpuMemory(gigabytes);
    },
    setModel: (names, folder) => takeModel(takeFiles(input, names), folder),
    setHubModel: takeHubModel,
    setAdapter: (names, name) => giveAdapter(takeFiles(input, names), name),
    importData: (names) => importFiles(takeFiles(input, names)),
    start: startWhenReady,
    plan: planWhenReady,
    measure: measureWhenReady,
    openRun: async (names) => {
      opened = await openRun(takeFiles(input, names));
    },
    continueRun: (wanted, mended) => continueWhenReady(opened, wanted, mended),
    pause: pauseRun,
    resume: resumeRun,
    stop: stopRun,
    artifact: saveArtifact,
    runFile: saveRunFile,
  };
}

/** Where the host puts files of any size; calls would need them as text. */
function addFileInput(): HTMLInputElement {
  const input = document.createElement('input');
  Object.assign(input, { type: 'file', multiple: true, id: 'automation-files', hidden: true });
  document.body.append(input);
  return input;
}

/** The files in the input, under the host's names for them. Errors: page.files */
function takeFiles(input: HTMLInputElement, names: string[]): InputFile[] {
  const files = [...(input.files ?? [])];
  input.value = '';
  if (files.length !== names.length || files.length === 0) {
    throw new LorikeetError('page.files', `The browser took ${files.length} of the ${names.length} files.`);
  }
  return files.map((file, i) => ({ path: names[i]!, file }));
}

async function takeModel(list: InputFile[], folder: string): Promise<void> {
  const files = Object.fromEntries(list.map(({ path, file }) => [path, file]));
  useSettings.setState({ modelKind: 'files', picked: { name: folder, files }, pickFault: null });
  // What the page shows on the Model card, the host hears at once.
  await modelRead();
  refuse(modelObstacle());
}

async function takeHubModel(id: string, revision: string): Promise<{ key: string; note: string | null }> {
  const taken = await obtainModel({ id, revision }, tellHost);
  await modelRead();
  refuse(modelObstacle());
  return taken;
}

async function giveAdapter(list: InputFile[], name: string): Promise<void> {
  await takeAdapter(list.map(({ path, file }) => ({ path: `${name}/${path}`, file })));
  refuse(adapterObstacle());
}

function takeRecipe(json: unknown): string[] {
  const { recipe, notes, seed } = readRecipe(json);
  setRecipe(recipe);
  if (seed !== null) setSeed(seed);
  return notes;
}

async function startWhenReady(wanted: Wanted): Promise<{ seed: number }> {
  await readyToStart(wanted);
  const { seed } = useSettings.getState();
  startRun();
  return { seed };
}

async function planWhenReady(wanted: Wanted): Promise<RunPlan> {
  await adapterProbed();
  await readyToStart(wanted);
  return planRun();
}

async function measureWhenReady(wanted: Wanted): Promise<RunPlan> {
  await adapterProbed();
  await readyToStart(wanted);
  await measureRun();
  return planRun();
}

/** The device's limits are part of a plan, and its memory is remembered by its name. */
function adapterProbed(): Promise<void> {
  return new Promise((resolve) => {
    if (useDevice.getState().adapter) return resolve();
    const stop = useDevice.subscribe(({ adapter }) => {
      if (!adapter) return;
      stop();
      resolve();
    });
  });
}

async function readyToStart(wanted: Wanted): Promise<void> {
  // A model that cannot be trained is named before the data is imported.
  await modelRead();
  refuse(modelObstacle());
  await dataReady(wanted);
  assertWanted(wanted, useSettings.getState(), useDataset.getState());
  refuse(startObstacle());
}

/** Throws the obstacle's own error, as the page's cards say it. */
function refuse(obstacle: StartObstacle | null): void {
  if (obstacle) throw fromErrorRecord(obstacle.error);
}

async function openRun(files: InputFile[]): Promise<RunRecord> {
  const [{ path, file }] = files as [InputFile];
  const record = await importRunFile(new Uint8Array(await file.arrayBuffer()), path);
  // The data is imported with them, as it was when the run began: they decide which rows validate.
  setRecipe(recipeOf(record));
  setSeed(record.seed);
  return record;
}

async function continueWhenReady(record: RunRecord | null, wanted: Wanted, mended: string | null): Promise<void> {
  if (!record) throw new LorikeetError('page.notReady', 'no run has been opened');
  await dataReady(wanted);
  assertWanted(wanted, useSettings.getState(), useDataset.getState());
  const { info } = useDataset.getState();
  if (info && info.id !== record.datasetId) {
    const message = `"${info.name}" is not the data that this run was trained on ("${record.datasetName}").`;
    throw new LorikeetError('checkpoint.dataset', message, 'Give the same files; nothing of the run was changed.');
  }
  const recipe = mended === null ? undefined : readMended(mended, record);
  await continueRun(record, recipe, modelSource(useSettings.getState()));
}

/** Errors: recipe.*, checkpoint.recipe. */
function readMended(json: string, record: RunRecord): Recipe {
  const { image_loading } = recipeOf(record);
  const { recipe, seed } = readRecipe(json, { image_loading });
  if (seed === null || seed === record.seed) return recipe;
  const message = `The recipe names seed ${seed}; this run has seed ${record.seed}.`;
  throw new LorikeetError('checkpoint.recipe', message, 'Take the seed out of the recipe, or start a new run.');
}

/** Waits until there is data; the demo's is imported where it is wanted. Errors: those of the import. */
async function dataReady(wanted: Wanted): Promise<void> {
  const { info, importing } = useDataset.getState();
  if (!info && !importing && wanted.data === 'bundled') importDemo();
  await importEnded();
  const { failure } = useDataset.getState();
  if (failure) throw fromErrorRecord(failure.error);
}

function importEnded(): Promise<void> {
  return new Promise((resolve) => {
    if (!useDataset.getState().importing) return resolve();
    const stop = useDataset.subscribe((dataset) => {
      if (dataset.importing) return;
      stop();
      resolve();
    });
  });
}

async function saveArtifact(name: string): Promise<Saved> {
  flushNow();
  const { view, recipe } = useRun.getState();
  if (!view || !recipe) throw new LorikeetError('artifact.missing', 'no run has been started');
  if (!ARTIFACTS.includes(name as ArtifactName)) {
    throw new LorikeetError('artifact.unknown', `${name} is not one of ${ARTIFACTS.join(', ')}`);
  }
  const { bytes, note } = await artifactOf(view, recipe, name as ArtifactName);
  saveFile(name, bytes, 'application/octet-stream');
  return { bytes: bytes.length, note };
}

async function saveRunFile(): Promise<Saved> {
  const { view } = useRun.getState();
  if (!view) throw new LorikeetError('artifact.missing', 'no run has been started');
  const file = await exportRun(view.runId);
  saveFile(RUN_FILE, file, 'application/octet-stream');
  return { bytes: file.size, note: null };
}
