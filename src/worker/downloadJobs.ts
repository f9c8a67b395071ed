// What the download worker does when it is asked: look a model up, fetch it, check what is stored. Two tabs that want
// the same model share one download: the second follows, and takes over when the first is gone.

import type { HubModel, HubSettings } from '../base/hubModel';
import { hubModelKey } from '../base/hubModel';
import { check } from '../base/errors';
import type { JsonObject } from '../base/json';
import { hasherOf } from '../hub/hashing';
import { lookUpModel } from '../hub/lookUp';
import { downloadModel, type ModelProgress } from '../hub/modelDownload';
import { createTraffic, type Net } from '../hub/net';
import { createRateMeter, secondsLeft } from '../hub/rate';
import { parseModelConfig } from '../model/config';
import type { DownloadMessage, DownloadProgress, DownloadRequest } from '../protocol/download';
import { verifyCopy } from '../storage/modelCopies';
import { modelLock } from '../storage/modelDatabase';
import { dropFile, fillFile } from '../storage/modelParts';
import { findModel, missingBytes, putModel, wholeFile } from '../storage/modelStore';

type Ask<T extends DownloadRequest['type']> = Extract<DownloadRequest, { type: T }>;
type Post = (message: DownloadMessage) => void;

const REPORT_MS = 250;
/** What a disk should keep free beside a model, for the run that follows. */
const SPARE_BYTES = 200e6;

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

/** Refuses what plainly has no room. The estimate may be wrong: each write is checked too. @throws hub.room */
async function checkRoom(model: HubModel): Promise<void> {
  const missing = await missingBytes(model);
  const { quota, usage } = await navigator.storage.estimate();
  if (missing === 0 || quota === undefined || usage === undefined) return;
  const free = quota - usage;
  const gb = (bytes: number): string => (bytes / 1e9).toFixed(1);
  check(
    missing + SPARE_BYTES <= free,
    'hub.room',
    `${model.id} needs ${gb(missing)} GB more; this browser offers ${gb(Math.max(0, free))} GB.`,
    `Free disk space, or fetch it into a folder and choose that: hf download ${model.id} --revision ${model.commit} --local-dir model`,
  );
}

interface Reporter {
  progress(progress: ModelProgress): void;
  waiting: Net['waiting'];
}

function createReporter(id: number, model: HubModel, post: Post, channel: BroadcastChannel): Reporter {
  const meter = createRateMeter();
  const key = hubModelKey(model);
  let now: ModelProgress = { file: '', arrived: 0 };
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
      meter.note(progress.arrived, performance.now());
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

/** Fetches what is missing; the caller holds the model's lock. */
async function fetchMissing(net: Net, model: HubModel, reporter: Reporter, signal: AbortSignal): Promise<void> {
  const place = {
    has: async (file: HubModel['files'][number]) => (await wholeFile(file)) !== null,
    fill: fillFile,
  };
  await downloadModel({ ...net, waiting: reporter.waiting }, model, place, reporter.progress, signal);
}

async function fetchModel(net: Net, id: number, model: HubModel, post: Post, signal: AbortSignal): Promise<void> {
  const channel = new BroadcastChannel('lorikeet-models');
  const key = hubModelKey(model);
  const stopped = new AbortController();
  const unfollow = follow(id, key, channel, post, () => stopped.abort());
  const either = AbortSignal.any([signal, stopped.signal]);
  try {
    await navigator.locks.request(modelLock(key), { signal: either }, async () => {
      try {
        await checkRoom(model);
        await putModel(model);
        // The lock may have come before the word of a stop: until here it is still heard.
        unfollow();
        either.throwIfAborted();
        await fetchMissing(net, model, createReporter(id, model, post, channel), signal);
      } catch (error) {
        // Those that follow stop with it, so they hear of it before the lock is theirs; when this worker dies instead,
        // they take over.
        if (signal.aborted) channel.postMessage({ key, stopped: true } satisfies Shared);
        throw error;
      }
    });
  } catch (error) {
    either.throwIfAborted();
    throw error;
  } finally {
    unfollow();
    channel.close();
  }
}

/** Fetches a model, or follows the tab that does. @throws hub.*, storage.* */
export async function download(
  net: Net,
  { id, model }: Ask<'download'>,
  post: Post,
  signal: AbortSignal,
): Promise<void> {
  try {
    await fetchModel(net, id, model, post, signal);
    post({ type: 'downloaded', id, key: hubModelKey(model) });
  } catch (error) {
    if (!(error instanceof DOMException && error.name === 'AbortError')) throw error;
    post({ type: 'stopped', id });
  }
}

/** Reads every file of a stored model again; what has other bytes is removed. @throws model.missing, storage.* */
export async function verify({ id, key }: Ask<'verify'>, post: Post, signal: AbortSignal): Promise<void> {
  await navigator.locks.request(modelLock(key), { signal }, async () => {
    const model = await findModel(key);
    check(model, 'model.missing', `The model ${key} is not stored in this browser.`);
    const broken: string[] = [];
    let done = 0;
    let told = 0;
    for (const file of model.files) {
      const blob = await wholeFile(file);
      if (!blob) continue;
      const hasher = hasherOf(file);
      for await (const bytes of blob.stream()) {
        signal.throwIfAborted();
        hasher.update(bytes);
        done += bytes.byteLength;
        if (performance.now() - told < REPORT_MS) continue;
        told = performance.now();
        post({ type: 'verifying', id, done, total: model.bytes });
      }
      if (hasher.digest() === file.hash) continue;
      await dropFile(file);
      broken.push(file.name);
    }
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
  post({ type: 'verified', id, broken: sound ? [] : [key] });
}
