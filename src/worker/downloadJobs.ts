// What the download worker does when it is asked: look a model up, fetch it, check what is stored. Two tabs that want
// the same model share one download: the second follows, and takes over when the first is gone.

import type { HubModel, HubSettings } from '../base/hubModel';
import { check } from '../base/errors';
import type { JsonObject } from '../base/json';
import { lookUpModel } from '../hub/lookUp';
import { downloadModel, type ModelProgress } from '../hub/modelDownload';
import { createTraffic, type Net } from '../hub/net';
import { createRateMeter, secondsLeft } from '../hub/rate';
import { parseModelConfig } from '../model/config';
import type { DownloadMessage, DownloadProgress, DownloadRequest } from '../protocol/download';
import { deleteCopiesOf, verifyCopy } from '../storage/modelCopies';
import { modelLock } from '../storage/modelDatabase';
import {
  expectFolder,
  findFolderModel,
  folderFile,
  folderLock,
  isFolderKey,
  noteFolderModel,
} from '../storage/modelFolders';
import { dropFile } from '../storage/modelParts';
import { findModel, wholeFile } from '../storage/modelStore';
import { browserTarget, folderTarget, hashBlob, type ModelTarget } from './modelTarget';

type Ask<T extends DownloadRequest['type']> = Extract<DownloadRequest, { type: T }>;
type Post = (message: DownloadMessage) => void;

const REPORT_MS = 250;

/** Tells the tabs that follow how a download goes. */
type Shared =
  { key: string; progress: Omit<DownloadProgress, 'id' | 'following' | 'type'> } | { key: string; stopped: true };

function checkConfig(config: JsonObject): void {
  parseModelConfig(config);
}

/** Requests of the worker, with the list of hosts that the page shows. */
export function createNet(settings: HubSettings, post: Post, waiting: Net['waiting']): Net {
  const total = createTraffic();
  let due = false;
  return {
    fetch: (input, init) => fetch(input, init),
    settings,
    waiting,
    traffic: (host, requests, receivedBytes) => {
      total.traffic(host, requests, receivedBytes);
      if (due) return;
      due = true;
      setTimeout(() => {
        due = false;
        post({ type: 'traffic', hosts: total.list() });
      }, REPORT_MS);
    },
  };
}

/** Looks a model up. @throws hub.*, config.*, model.missing */
export async function lookUp(net: Net, { id, address }: Ask<'lookUp'>, post: Post, signal: AbortSignal): Promise<void> {
  post({ type: 'lookedUp', id, model: await lookUpModel(net, address, checkConfig, signal) });
}

interface Reporter {
  progress(progress: ModelProgress): void;
  waiting: Net['waiting'];
}

function createReporter(id: number, model: HubModel, key: string, post: Post, channel: BroadcastChannel): Reporter {
  const meter = createRateMeter();
  let now: ModelProgress = { file: '', arrived: 0, reading: false };
  let waiting: string | null = null;
  let last = 0;
  const send = (): void => {
    last = performance.now();
    const rate = meter.bytesPerSecond(last);
    const left = secondsLeft(model.bytes - now.arrived, rate);
    const progress = { ...now, total: model.bytes, bytesPerSecond: rate, secondsLeft: left, waiting };
    post({ type: 'progress', id, ...progress, following: false });
    channel.postMessage({ key, progress } satisfies Shared);
  };
  return {
    progress: (progress) => {
      now = progress;
      if (!progress.reading) meter.note(progress.arrived, performance.now());
      if (performance.now() - last >= REPORT_MS || progress.arrived === model.bytes) send();
    },
    waiting: (reason, _ms, goesOn = false) => {
      const shown = goesOn ? null : reason;
      if (shown === waiting) return;
      waiting = shown;
      send();
    },
  };
}

/** Shows what another tab tells of the model; `stopped` is called when that one was stopped by its user. */
function follow(id: number, key: string, channel: BroadcastChannel, post: Post, stopped: () => void): () => void {
  const listen = ({ data }: MessageEvent<Shared>): void => {
    if (data.key !== key) return;
    if ('stopped' in data) stopped();
    else post({ type: 'progress', id, ...data.progress, following: true });
  };
  channel.addEventListener('message', listen);
  return () => channel.removeEventListener('message', listen);
}

async function fetchModel(
  net: Net,
  id: number,
  model: HubModel,
  target: ModelTarget,
  post: Post,
  signal: AbortSignal,
): Promise<void> {
  const channel = new BroadcastChannel('lorikeet-models');
  const { key, lock } = target;
  const stopped = new AbortController();
  const unfollow = follow(id, key, channel, post, () => stopped.abort());
  const either = AbortSignal.any([signal, stopped.signal]);
  try {
    await navigator.locks.request(lock, { signal: either }, async () => {
      try {
        const place = await target.begin();
        // The lock may have come before the word of a stop: until here it is still heard.
        unfollow();
        either.throwIfAborted();
        const { progress, waiting } = createReporter(id, model, key, post, channel);
        await downloadModel({ ...net, waiting }, model, place, progress, signal);
        await target.end();
      } catch (error) {
        // Those that follow stop with it, so they hear of it before the lock is theirs; when this worker dies instead,
        // they take over.
        if (signal.aborted) channel.postMessage({ key, stopped: true } satisfies Shared);
        throw error;
      }
    });
  } finally {
    unfollow();
    channel.close();
  }
}

/**
 * Fetches a model, or follows the tab that does. What fails while it is stopped is thrown: not all that has arrived is
 * kept then. @throws hub.*, storage.*, folder.*
 */
export async function download(
  net: Net,
  { id, model, into }: Ask<'download'>,
  post: Post,
  signal: AbortSignal,
): Promise<void> {
  try {
    const { folderKeepBytes } = net.settings;
    const target = into ? await folderTarget(model, into, folderKeepBytes) : browserTarget(model);
    await fetchModel(net, id, model, target, post, signal);
    post({ type: 'downloaded', id, key: target.key });
  } catch (error) {
    if (!(error instanceof DOMException && error.name === 'AbortError')) throw error;
    post({ type: 'stopped', id });
  }
}

interface Checked {
  files: HubModel['files'];
  bytes: number;
  /** Whether every file should be there: one that lacks is broken then. */
  whole: boolean;
  /** null: it lacks. */
  open(file: HubModel['files'][number]): Promise<Blob | null>;
  /** A file that has other bytes. */
  wrong(file: HubModel['files'][number]): Promise<void>;
  end(broken: string[]): Promise<void>;
}

async function storedFiles(key: string): Promise<Checked> {
  const model = await findModel(key);
  check(model, 'model.missing', `The model ${key} is not stored in this browser.`);
  return {
    files: model.files,
    bytes: model.bytes,
    whole: false,
    open: wholeFile,
    wrong: dropFile,
    end: async () => undefined,
  };
}

/** Of a folder nothing is removed: its files are the user's. */
async function folderFiles(key: string): Promise<Checked> {
  const record = await findFolderModel(key);
  await expectFolder(record);
  const { model, whole, doubted } = record;
  let { arrived } = record;
  return {
    ...{ files: model.files, bytes: model.bytes, whole },
    open: (file) => folderFile(record, file),
    wrong: async ({ bytes }) => void (arrived -= bytes),
    end: (broken) =>
      noteFolderModel(key, {
        arrived: Math.max(0, arrived),
        whole: whole && broken.length === 0,
        // The journal of an unfinished download may still take them for whole.
        ...(doubted && { doubted: [...new Set([...doubted, ...broken])] }),
      }),
  };
}

/**
 * Reads every file of a model again. What has other bytes is removed from this browser's store, and left where it lies in
 * a folder; 4-bit copies that were made of it go. @throws model.missing, storage.*, folder.*
 */
export async function verify({ id, key }: Ask<'verify'>, post: Post, signal: AbortSignal): Promise<void> {
  const lock = isFolderKey(key) ? folderLock(await findFolderModel(key)) : modelLock(key);
  await navigator.locks.request(lock, { signal }, async () => {
    const { files, bytes, whole, open, wrong, end } = isFolderKey(key)
      ? await folderFiles(key)
      : await storedFiles(key);
    const broken: string[] = [];
    let before = 0;
    let told = 0;
    for (const file of files) {
      const blob = await open(file);
      if (!blob && !whole) continue;
      const heard = (read: number): void => {
        if (performance.now() - told < REPORT_MS) return;
        told = performance.now();
        post({ type: 'verifying', id, done: before + read, total: bytes });
      };
      const right = blob !== null && (await hashBlob(blob, file, signal, heard)) === file.hash;
      before += file.bytes;
      if (right) continue;
      const { name, bytes: size } = file;
      // Before the file goes: a copy of the base that was made of it has its wrong bytes.
      if (blob instanceof File) await deleteCopiesOf({ name, bytes: size, modifiedAt: blob.lastModified });
      await wrong(file);
      broken.push(file.name);
    }
    await end(broken);
    post({ type: 'verified', id, broken });
  });
}

/** Reads a copy of a base again; one that has other bytes is removed. @throws storage.* */
export async function verifyBaseCopy({ id, key }: Ask<'verifyCopy'>, post: Post, signal: AbortSignal): Promise<void> {
  let told = 0;
  const tell = (done: number, total: number): void => {
    if (performance.now() - told < REPORT_MS) return;
    told = performance.now();
    post({ type: 'verifying', id, done, total });
  };
  const sound = await verifyCopy(key, tell, signal);
  post({ type: 'verified', id, broken: sound === false ? [key] : [], gone: sound === null });
}
