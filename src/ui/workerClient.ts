// Starts the three workers and gives typed ways to talk to them. Holds no state of a run.

import type { ErrorRecord } from '../base/errors';
import { scriptUrl } from '../base/scriptUrl';
import type { DataMessage, DataRequest, TrainerMessage, TrainerRequest } from '../protocol/messages';
import { createWorkerHandle, type WorkerHandle } from './workerHandle';
import { WORKER_URLS, type WorkerName } from './workerUrls';

/** What the trainer says to the page; what it says of the reward encoder's worker stays here. */
export type TrainerReport = Exclude<TrainerMessage, { type: 'encoderGone' }>;

export interface WorkerListeners {
  trainer(message: TrainerReport): void;
  data(message: DataMessage): void;
  /**
   * A worker's script failed to load, or threw outside a request: what it was asked gets no answer. The next request
   * starts a new worker. The reward encoder's end is told by the run that needed it instead.
   */
  crashed(worker: 'trainer' | 'data', error: ErrorRecord): void;
}

export interface WorkerClient {
  toTrainer(request: TrainerRequest): void;
  toData(request: DataRequest): void;
  /** Ends the workers; requests in flight get no answer. */
  close(): void;
}

/** Requests that may need the reward encoder. */
const NEEDS_ENCODER = new Set<TrainerRequest['type']>(['start', 'continue', 'measure']);

/** What a run ends with when its encoder's worker has crashed. */
function encoderError({ message }: ErrorRecord): ErrorRecord {
  return {
    code: 'reward.encoder',
    message,
    hint: 'Start or resume again: a new one is started. Data and finished steps are stored.',
  };
}

/**
 * Starts trainer, data and reward encoder workers and connects the encoder to the trainer by a channel of their own.
 * Listeners are called on the page's thread, in the order of the messages.
 */
export function startWorkers(listeners: WorkerListeners): WorkerClient {
  const spawn = (name: WorkerName) => () => new Worker(scriptUrl(WORKER_URLS[name]), { type: 'module', name });
  const trainer: WorkerHandle<TrainerRequest, TrainerMessage> = createWorkerHandle('trainer', spawn('trainer'), {
    message: (message) => {
      if (message.type !== 'encoderGone') listeners.trainer(message);
      // Ended without an error of its own: the next run gets a new one.
      else if (message.id === channel) encoder.close();
    },
    crashed: (error) => listeners.crashed('trainer', error),
  });
  const data: WorkerHandle<DataRequest, DataMessage> = createWorkerHandle('data', spawn('data'), {
    message: listeners.data,
    crashed: (error) => listeners.crashed('data', error),
  });
  const encoder: WorkerHandle<{ type: 'connect'; port: MessagePort }, never> = createWorkerHandle(
    'rewardEncoder',
    spawn('rewardEncoder'),
    {
      message: () => undefined,
      // The trainer lets go of the run that waits; there may be none.
      crashed: (error) => trainer.isUp() && trainer.post({ type: 'encoderLost', error: encoderError(error) }),
    },
  );
  /** The number of the channel in use. */
  let channel = 0;
  /** Both ends of it; another pair of workers gets another channel. */
  let connected: unknown[] = [];
  const connect = (): void => {
    const pair = [trainer.open(), encoder.open()];
    if (pair.every((worker, i) => worker === connected[i])) return;
    connected = pair;
    channel++;
    const { port1, port2 } = new MessageChannel();
    encoder.post({ type: 'connect', port: port1 }, [port1]);
    trainer.post({ type: 'connectEncoder', id: channel, port: port2 }, [port2]);
  };
  connect();
  data.open();
  return {
    toTrainer: (request) => {
      if (NEEDS_ENCODER.has(request.type)) connect();
      trainer.post(request);
    },
    toData: (request) => data.post(request),
    close: () => [trainer, data, encoder].forEach((handle) => handle.close()),
  };
}
