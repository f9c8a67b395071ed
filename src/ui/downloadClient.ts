// The download worker, started when somebody first asks for something of the hub: until then nothing is asked of
// anybody. It is told how the hub is asked before all else.

import type { HubSettings } from '../base/hubModel';
import { LorikeetError, type ErrorRecord } from '../base/errors';
import { scriptUrl } from '../base/scriptUrl';
import { allowsConnection, servedPolicy } from '../base/servedPolicy';
import type { DownloadMessage, DownloadRequest } from '../protocol/download';
import { readHubSettings } from './store/hubSettings';
import { createWorkerHandle, type WorkerHandle } from './workerHandle';
import { DOWNLOAD_URL } from './workerUrls';

/** What is asked for something; the settings come by themselves. */
export type HubRequest = Exclude<DownloadRequest, { type: 'settings' }>;

export interface DownloadClient {
  /**
   * Sends a request after all that were sent before; one that asks something of the hub once it is known that the worker
   * may reach it.
   * @throws hub.settings, hub.policy, server.noAnswer
   */
  send(request: HubRequest): Promise<void>;
}

/** @throws hub.policy where the server keeps the worker from the hub */
async function checkPolicy({ endpoint }: HubSettings): Promise<void> {
  if (allowsConnection(await servedPolicy(DOWNLOAD_URL), endpoint, location.origin)) return;
  throw new LorikeetError(
    'hub.policy',
    `This page’s server does not let its download worker reach ${endpoint}.`,
    'Fetch the model with `hf download` and choose the folder; or set the headers of docs/hosting.md on the server.',
  );
}

async function readPermission(): Promise<HubSettings> {
  const settings = await readHubSettings();
  await checkPolicy(settings);
  return settings;
}

/** The settings with which the hub may be asked; found out once, and again after a failure. */
function rememberPermission(read: () => Promise<HubSettings>): () => Promise<HubSettings> {
  let known: Promise<HubSettings> | null = null;
  return () => {
    known ??= read().catch((error: unknown) => {
      known = null;
      throw error;
    });
    return known;
  };
}

interface Surroundings {
  permission?: () => Promise<HubSettings>;
  spawn?: () => Worker;
}

const spawnDownload = (): Worker => new Worker(scriptUrl(DOWNLOAD_URL), { type: 'module', name: 'download' });

/** A client whose worker is not started yet. @param surroundings where tests put others than this page's */
export function createDownloadClient(
  listeners: { message(message: DownloadMessage): void; crashed(error: ErrorRecord): void },
  { permission = readPermission, spawn = spawnDownload }: Surroundings = {},
): DownloadClient {
  const handle: WorkerHandle<DownloadRequest, DownloadMessage> = createWorkerHandle('download', spawn, listeners);
  const settingsOnce = rememberPermission(permission);
  let told: Worker | null = null;
  const connect = async (): Promise<void> => {
    const settings = await settingsOnce();
    const worker = handle.open();
    if (told !== worker) handle.post({ type: 'settings', settings });
    told = worker;
  };
  const deliver = async (request: HubRequest): Promise<void> => {
    // A worker that is not there has nothing to stop.
    if (request.type === 'stop' && !handle.isUp()) return;
    if (request.type === 'lookUp' || request.type === 'download') await connect();
    handle.post(request);
  };
  // One after the other: a stop may not overtake what it stops.
  let last: Promise<void> = Promise.resolve();
  return {
    send: (request) => {
      const sent = last.then(() => deliver(request));
      last = sent.catch(() => undefined);
      return sent;
    },
  };
}
