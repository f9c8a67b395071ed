// Page of the comparison with TRL: starts the worker and passes on what it says to the terminal, which prints it.

import type { ParityMessage, ParityRequest } from './messages';

/** `lorikeetParity` is there when the terminal drives the page. */
const host = window as Window & { lorikeetParity?: (message: ParityMessage) => Promise<void> };

function show(message: ParityMessage): void {
  document.body.append(`${JSON.stringify(message)}\n`);
  void host.lorikeetParity?.(message);
}

const worker = new Worker(new URL('./parity.worker.ts', import.meta.url), { type: 'module' });
worker.onmessage = ({ data }: MessageEvent<ParityMessage>) => show(data);
worker.onerror = (event) => {
  show({ type: 'error', error: { code: 'parity.worker', message: `The worker failed: ${event.message}` } });
};
const request: ParityRequest = {
  folder: new URL('/parity/', location.href).href,
  demo: new URL('/demo', location.href).href,
};
worker.postMessage(request);
