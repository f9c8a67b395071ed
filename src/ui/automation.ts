// The contract with the terminal runner: it drives this page through window.lorikeet and hears through
// window.lorikeetHost, a function that it installs before the page loads. Without a host nothing here is active.

import { LorikeetError, type ErrorRecord } from '../base/errors';
import type { DatasetInfo, ImportProblem, RunEvent } from '../protocol/messages';
import { importDemo, pauseRun, resumeRun, startObstacle, startRun, stopRun } from './actions';
import { artifactBytes, ARTIFACTS, type ArtifactName } from './exports/artifact';
import { readRecipe } from './setup/readRecipe';
import { useDataset } from './store/dataset';
import { flushNow, useRun } from './store/run';
import { setRecipe, setSeed } from './store/settings';

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
  /** Takes a recipe as JSON text or as the parsed object; answers with the reader's notes. */
  setRecipe(json: unknown): string[];
  setSeed(seed: number): void;
  /** Waits for an import under way, imports the demo's data if there is none, then starts. */
  start(): Promise<void>;
  pause(): void;
  resume(): void;
  stop(): void;
  /** Answers by a message of type `artifact`. */
  artifact(name: string): Promise<void>;
}

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
  (window as HostWindow).lorikeet = {
    setRecipe(json) {
      const { recipe, notes } = readRecipe(json);
      setRecipe(recipe);
      return notes;
    },
    setSeed,
    start: startWhenReady,
    pause: pauseRun,
    resume: resumeRun,
    stop: stopRun,
    artifact: sendArtifact,
  };
}

async function startWhenReady(): Promise<void> {
  const { info, importing } = useDataset.getState();
  if (!info && !importing) importDemo();
  await importEnded();
  const { failure } = useDataset.getState();
  if (failure) throw new LorikeetError(failure.error.code, failure.error.message, failure.error.hint);
  const obstacle = startObstacle();
  if (obstacle !== null) throw new LorikeetError('page.notReady', obstacle);
  startRun();
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

function toBase64(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).split(',')[1] ?? '');
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(new Blob([bytes]));
  });
}
