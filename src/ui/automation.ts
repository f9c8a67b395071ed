// The contract with the terminal runner: it drives this page through window.lorikeet and hears through
// window.lorikeetHost, a function that it installs before the page loads. Without a host nothing here is active.

import { LorikeetError, type ErrorRecord } from '../base/errors';
import type { DatasetInfo, ImportProblem, RunEvent } from '../protocol/messages';
import { exportRunFile, importRunFile } from '../storage/checkpointFile';
import type { RunRecord } from '../storage/runs';
import type { Recipe } from '../train/config';
import { continueRun, importDemo, pauseRun, resumeRun, startObstacle, startRun, stopRun } from './actions';
import { artifactBytes, ARTIFACTS, type ArtifactName } from './exports/artifact';
import { saveFile } from './exports/saveFile';
import { readAdapterFiles } from './setup/adapterFiles';
import { readRecipe } from './setup/readRecipe';
import { useDataset } from './store/dataset';
import { flushNow, useRun } from './store/run';
import { recipeOf } from './store/history';
import { setRecipe, setSeed, useSettings } from './store/settings';

/** What the page tells the host. */
export type HostMessage =
  /** The page takes calls and files. A dataset of an earlier visit has been reported before. */
  | { type: 'ready' }
  | { type: 'event'; event: RunEvent }
  | { type: 'dataset'; info: DatasetInfo; bundled: boolean }
  | { type: 'datasetFailed'; error: ErrorRecord; problems: ImportProblem[] }
  /** The browser or its adapter cannot train. */
  | { type: 'unsupported'; error: ErrorRecord }
  /** A worker died: the run has ended without an event of its own. */
  | { type: 'failed'; error: ErrorRecord }
  | { type: 'artifact'; name: string; base64: string };

/** What the host may call. A failed call throws (or rejects with) a LorikeetError. */
export interface LorikeetApi {
  /** Takes a recipe as JSON text or as the parsed object, with its seed if it has one; answers with notes on it. */
  setRecipe(json: unknown): string[];
  setSeed(seed: number): void;
  /** Waits for an import under way, imports the demo's data if there is none, then starts. Answers with the seed. */
  start(): Promise<{ seed: number }>;
  /** Takes the two files of a PEFT adapter from the input #automation-files. @param name what the run calls it */
  setAdapter(name: string): Promise<void>;
  /** Stores the run of the file in the input #automation-files, and sets it up. */
  openRun(): Promise<void>;
  /** Goes on with the opened run, with its data as `start`. @param mended recipe as JSON with other user rewards */
  continueRun(mended: string | null): Promise<void>;
  pause(): void;
  resume(): void;
  stop(): void;
  /** Answers by a message of type `artifact`. */
  artifact(name: string): Promise<void>;
  /** Saves the run's newest checkpoint, record and log as a download, RUN_FILE. Answers with its size in bytes. */
  runFile(): Promise<number>;
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
  const input = addFileInput();
  let opened: RunRecord | null = null;
  (window as HostWindow).lorikeet = {
    setRecipe: takeRecipe,
    setSeed,
    setAdapter: (name) => takeAdapter(input, name),
    start: startWhenReady,
    openRun: async () => {
      opened = await openRun(input);
    },
    continueRun: (mended) => continueWhenReady(opened, mended),
    pause: pauseRun,
    resume: resumeRun,
    stop: stopRun,
    artifact: sendArtifact,
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

function takeFiles(input: HTMLInputElement): File[] {
  const files = [...(input.files ?? [])];
  input.value = '';
  return files;
}

async function takeAdapter(input: HTMLInputElement, name: string): Promise<void> {
  const files = takeFiles(input).map((file) => ({ path: `${name}/${file.name}`, file }));
  useSettings.setState({ adapter: await readAdapterFiles(files) });
}

function takeRecipe(json: unknown): string[] {
  const { recipe, notes, seed } = readRecipe(json);
  setRecipe(recipe);
  if (seed !== null) setSeed(seed);
  return notes;
}

async function startWhenReady(): Promise<{ seed: number }> {
  await dataReady();
  const obstacle = startObstacle();
  if (obstacle !== null) throw new LorikeetError('page.notReady', obstacle);
  const { seed } = useSettings.getState();
  startRun();
  return { seed };
}

async function openRun(input: HTMLInputElement): Promise<RunRecord> {
  const [file] = takeFiles(input);
  if (!file) throw new LorikeetError('page.notReady', 'no run file has been given');
  const record = await importRunFile(new Uint8Array(await file.arrayBuffer()), file.name);
  // The data is imported with them, as it was when the run began: they decide which rows validate.
  setRecipe(recipeOf(record));
  setSeed(record.seed);
  return record;
}

async function continueWhenReady(record: RunRecord | null, mended: string | null): Promise<void> {
  if (!record) throw new LorikeetError('page.notReady', 'no run has been opened');
  await dataReady();
  const { info } = useDataset.getState();
  if (info && info.id !== record.datasetId) {
    const message = `"${info.name}" is not the data that this run was trained on ("${record.datasetName}").`;
    throw new LorikeetError('checkpoint.dataset', message, 'Give the same files; nothing of the run was changed.');
  }
  await continueRun(record, mended === null ? undefined : readMended(mended, record));
}

/** Errors: recipe.*, checkpoint.recipe. */
function readMended(json: string, record: RunRecord): Recipe {
  const { recipe, seed } = readRecipe(json);
  if (seed === null || seed === record.seed) return recipe;
  const message = `The recipe names seed ${seed}; this run has seed ${record.seed}.`;
  throw new LorikeetError('checkpoint.recipe', message, 'Take the seed out of the recipe, or start a new run.');
}

/** Waits until there is data; without any, the demo's is imported. Errors: those of the import. */
async function dataReady(): Promise<void> {
  const { info, importing } = useDataset.getState();
  if (!info && !importing) importDemo();
  await importEnded();
  const { failure } = useDataset.getState();
  if (failure) throw new LorikeetError(failure.error.code, failure.error.message, failure.error.hint);
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

async function sendArtifact(name: string): Promise<void> {
  flushNow();
  const { view, recipe } = useRun.getState();
  if (!view || !recipe) throw new LorikeetError('artifact.missing', 'no run has been started');
  if (!ARTIFACTS.includes(name as ArtifactName)) {
    throw new LorikeetError('artifact.unknown', `${name} is not one of ${ARTIFACTS.join(', ')}`);
  }
  const bytes = await artifactBytes(view, recipe, name as ArtifactName);
  tellHost({ type: 'artifact', name, base64: await toBase64(bytes) });
}

async function saveRunFile(): Promise<number> {
  const { view } = useRun.getState();
  if (!view) throw new LorikeetError('artifact.missing', 'no run has been started');
  const bytes = await exportRunFile(view.runId);
  saveFile(RUN_FILE, bytes, 'application/octet-stream');
  return bytes.length;
}

function toBase64(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).split(',')[1] ?? '');
    reader.onerror = () => reject(reader.error!);
    reader.readAsDataURL(new Blob([bytes]));
  });
}
