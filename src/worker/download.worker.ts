// The download worker: the only script here that may reach another host, by the policy that it is served with. It never
// gets a dataset: its messages have no place for one, and it imports nothing that reads one.

import { LorikeetError, toErrorRecord } from '../base/errors';
import type { Net } from '../hub/net';
import type { DownloadMessage, DownloadRequest } from '../protocol/download';
import { createNet, download, lookUp, verify, verifyBaseCopy } from './downloadJobs';

const scope = self as unknown as DedicatedWorkerGlobalScope;
const post = (message: DownloadMessage): void => scope.postMessage(message);

let net: Net | null = null;
const running = new Map<number, AbortController>();

/** @throws hub.settings before the page has said how the hub is asked */
function connected(): Net {
  if (!net) throw new LorikeetError('hub.settings', 'The download worker has not been told how to ask the hub.');
  return net;
}

async function run(id: number, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const abort = new AbortController();
  running.set(id, abort);
  try {
    await work(abort.signal);
  } catch (error) {
    // What fails while it is stopped is told: “stopped” says that what has arrived is kept.
    const isStop = error === abort.signal.reason || (error instanceof DOMException && error.name === 'AbortError');
    if (abort.signal.aborted && isStop) post({ type: 'stopped', id });
    else post({ type: 'failed', id, error: toErrorRecord(error) });
  } finally {
    running.delete(id);
  }
}

scope.onmessage = ({ data }: MessageEvent<DownloadRequest>): void => {
  switch (data.type) {
    case 'settings':
      net = createNet(data.settings, post, () => undefined);
      return;
    case 'lookUp':
      return void run(data.id, async (signal) => lookUp(connected(), data, post, signal));
    case 'download':
      return void run(data.id, async (signal) => download(connected(), data, post, signal));
    case 'verify':
      return void run(data.id, (signal) => verify(data, post, signal));
    case 'verifyCopy':
      return void run(data.id, (signal) => verifyBaseCopy(data, post, signal));
    case 'stop':
      running.get(data.id)?.abort();
      return;
    default:
      data satisfies never;
  }
};
