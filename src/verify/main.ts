// Page of the numeric check: starts the worker and passes on what it says, to the terminal's runner if there is one.

import { scriptUrl } from '../base/scriptUrl';
import type { VerifyMessage, VerifyRequest } from './messages';
import { formatMessage } from './report';
import workerUrl from './verify.worker.ts?worker&url';

/** `lorikeetHost` is there when the terminal's runner drives the page. */
type HostWindow = Window & {
  lorikeetHost?: (report: { line: string; message: VerifyMessage }) => Promise<void>;
};

const host = window as HostWindow;

function show(message: VerifyMessage): void {
  const line = formatMessage(message);
  document.getElementById('log')?.append(`${line}\n`);
  void host.lorikeetHost?.({ line, message });
}

const worker = new Worker(scriptUrl(workerUrl), { type: 'module' });
worker.onmessage = ({ data }: MessageEvent<VerifyMessage>) => show(data);
worker.onerror = (event) => {
  show({ type: 'error', error: { code: 'verify.worker', message: `The worker failed: ${event.message}` } });
};
const asked = new URLSearchParams(location.search);
const variant = asked.get('variant');
const request: VerifyRequest = {
  folder: new URL('/reference/', location.href).href,
  only: asked.get('only') ?? '',
  ...((variant === 'gpu' || variant === 'software') && { variant }),
};
worker.postMessage(request);
