// Page of the numeric check: starts the worker and passes on what it says, to the terminal's runner if there is one.

import type { VerifyMessage, VerifyRequest } from './messages';
import { formatMessage } from './report';
import workerUrl from './verify.worker.ts?worker&url';

/** The part of the Trusted Types API used here; TypeScript's DOM library does not have it. */
interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string };
}

/** `lorikeetHost` is there when the terminal's runner drives the page. */
type HostWindow = Window & {
  lorikeetHost?: (report: { line: string; message: VerifyMessage }) => Promise<void>;
  trustedTypes?: TrustedTypes;
};

const host = window as HostWindow;

/** Admits scripts of this origin only. */
function ownScript(url: string): string {
  const absolute = new URL(url, location.href);
  if (absolute.origin !== location.origin) throw new TypeError(`a script of another origin: ${absolute.origin}`);
  return absolute.href;
}

function startWorker(): Worker {
  const policy = host.trustedTypes?.createPolicy('lorikeet', { createScriptURL: ownScript });
  return new Worker(policy ? policy.createScriptURL(workerUrl) : ownScript(workerUrl), { type: 'module' });
}

function show(message: VerifyMessage): void {
  const line = formatMessage(message);
  document.getElementById('log')?.append(`${line}\n`);
  void host.lorikeetHost?.({ line, message });
}

const worker = startWorker();
worker.onmessage = ({ data }: MessageEvent<VerifyMessage>) => show(data);
worker.onerror = (event) => {
  show({ type: 'error', error: { code: 'verify.worker', message: `The worker failed: ${event.message}` } });
};
const request: VerifyRequest = {
  folder: new URL('/reference/', location.href).href,
  only: new URLSearchParams(location.search).get('only') ?? '',
};
worker.postMessage(request);
