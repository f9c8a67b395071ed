// One worker that is started anew after a crash. Knows no message.

import type { ErrorRecord } from '../base/errors';

export interface WorkerHandle<Request, Message> {
  /** Sends a request; a worker that has crashed is started anew first. */
  post(request: Request, transfer?: Transferable[]): void;
  /** The worker that requests go to now, started if there is none. */
  open(): Worker;
  /** Whether a worker is there that has not crashed. */
  isUp(): boolean;
  close(): void;
  /** Never set: ties the handle to what its worker answers. */
  answers?: Message;
}

export interface HandleListeners<Message> {
  message(message: Message): void;
  /** Called once per worker, which is ended by then: half of it may still be at work otherwise, and hold its locks. */
  crashed(error: ErrorRecord): void;
}

/** @param spawn starts the worker's script */
export function createWorkerHandle<Request, Message>(
  name: string,
  spawn: () => Worker,
  listeners: HandleListeners<Message>,
): WorkerHandle<Request, Message> {
  let worker: Worker | null = null;
  const start = (): Worker => {
    const started = spawn();
    const crash = (error: ErrorRecord): void => {
      // Further errors of a worker that has been given up are of no use to anybody.
      if (worker !== started) return;
      worker = null;
      started.terminate();
      listeners.crashed(error);
    };
    started.onmessage = ({ data }: MessageEvent<Message>) => worker === started && listeners.message(data);
    started.onerror = (event) => {
      const where = event.filename ? ` (${event.filename}:${event.lineno})` : '';
      crash({
        code: 'worker.crashed',
        message: `The ${name} worker stopped: ${event.message ?? 'its script could not be loaded'}${where}`,
        hint: 'Try again: a new worker is started. Data and finished steps are stored.',
      });
    };
    started.onmessageerror = () =>
      crash({
        code: 'worker.message',
        message: `A message of the ${name} worker could not be read.`,
        hint: 'Try again: a new worker is started. Data and finished steps are stored.',
      });
    return started;
  };
  const open = (): Worker => (worker ??= start());
  return {
    post: (request, transfer = []) => open().postMessage(request, transfer),
    open,
    isUp: () => worker !== null,
    close: () => {
      worker?.terminate();
      worker = null;
    },
  };
}
