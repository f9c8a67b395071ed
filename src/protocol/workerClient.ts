// Starts the three workers and gives typed ways to talk to them. Holds no state of a run.

import dataUrl from '../worker/data.worker.ts?worker&url';
import encoderUrl from '../worker/rewardEncoder.worker.ts?worker&url';
import trainerUrl from '../worker/trainer.worker.ts?worker&url';
import type { ErrorRecord } from '../base/errors';
import { scriptUrl } from '../base/scriptUrl';
import type { DataMessage, DataRequest, TrainerMessage, TrainerRequest } from './messages';

export type WorkerName = 'trainer' | 'data' | 'rewardEncoder';

/** Addresses of their scripts. */
export const WORKER_URLS: Record<WorkerName, string> = {
  trainer: trainerUrl,
  data: dataUrl,
  rewardEncoder: encoderUrl,
};

export interface WorkerListeners {
  trainer(message: TrainerMessage): void;
  data(message: DataMessage): void;
  /** A worker's script failed to load, or threw outside a request. */
  crashed(worker: WorkerName, error: ErrorRecord): void;
}

export interface WorkerClient {
  toTrainer(request: TrainerRequest): void;
  toData(request: DataRequest): void;
  /** Ends the workers; requests in flight get no answer. */
  close(): void;
}

function startWorker(name: WorkerName, listeners: WorkerListeners): Worker {
  const worker = new Worker(scriptUrl(WORKER_URLS[name]), { type: 'module', name });
  worker.onerror = (event) => {
    const where = event.filename ? ` (${event.filename}:${event.lineno})` : '';
    listeners.crashed(name, {
      code: 'worker.crashed',
      message: `The ${name} worker stopped: ${event.message ?? 'its script could not be loaded'}${where}`,
      hint: 'Reload the page. Data and finished steps are stored.',
    });
  };
  worker.onmessageerror = () =>
    listeners.crashed(name, { code: 'worker.message', message: `A message of the ${name} worker could not be read.` });
  return worker;
}

/**
 * Starts trainer, data and reward encoder workers and connects the encoder to the trainer by a channel of their own.
 * Listeners are called on the page's thread, in the order of the messages.
 */
export function startWorkers(listeners: WorkerListeners): WorkerClient {
  const trainer = startWorker('trainer', listeners);
  const data = startWorker('data', listeners);
  const encoder = startWorker('rewardEncoder', listeners);
  trainer.onmessage = (event: MessageEvent<TrainerMessage>) => listeners.trainer(event.data);
  data.onmessage = (event: MessageEvent<DataMessage>) => listeners.data(event.data);

  const channel = new MessageChannel();
  encoder.postMessage({ type: 'connect', port: channel.port1 }, [channel.port1]);
  const connect: TrainerRequest = { type: 'connectEncoder', port: channel.port2 };
  trainer.postMessage(connect, [channel.port2]);

  return {
    toTrainer: (request) => trainer.postMessage(request),
    toData: (request) => data.postMessage(request),
    close: () => [trainer, data, encoder].forEach((worker) => worker.terminate()),
  };
}
