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

export interface DownloadClient {
  /**
   * Sends a request, once it is known that the worker may reach the hub.
   * @throws hub.settings, hub.policy, server.noAnswer
   */
  send(request: DownloadRequest): Promise<void>;
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

/** A client whose worker is not started yet. */
export function createDownloadClient(listeners: {
  message(message: DownloadMessage): void;
  crashed(error: ErrorRecord): void;
}): DownloadClient {
  const spawn = (): Worker => new Worker(scriptUrl(DOWNLOAD_URL), { type: 'module', name: 'download' });
  const handle: WorkerHandle<DownloadRequest, DownloadMessage> = createWorkerHandle('download', spawn, listeners);
  return {
    send: async (request) => {
      const settings = await readHubSettings();
      await checkPolicy(settings);
      if (!handle.isUp()) handle.post({ type: 'settings', settings });
      handle.post(request);
    },
  };
}
