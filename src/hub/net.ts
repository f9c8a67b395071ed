// Requests to the hub: watched for silence, counted by host, tried again with growing waits. Carries no body, no cookie
// and no referrer: all that leaves is the address that is asked for.

import type { HostTraffic, HubSettings } from '../base/hubModel';
import { LorikeetError } from '../base/errors';
import { failureOf, KEPT, TryAgain } from './failures';

export interface Net {
  fetch: typeof fetch;
  settings: HubSettings;
  /** Hears of each request and of the bytes that came back, by host. */
  traffic(host: string, requests: number, receivedBytes: number): void;
  /**
   * Hears of a wait before another try; null when it is over.
   * @param goesOn other connections bring something meanwhile; left out: this one is all there is
   */
  waiting(reason: string | null, ms: number, goesOn?: boolean): void;
}

/** Adds up traffic by host. */
export function createTraffic(): Pick<Net, 'traffic'> & { list(): HostTraffic[] } {
  const hosts = new Map<string, HostTraffic>();
  return {
    traffic: (host, requests, receivedBytes) => {
      const known = hosts.get(host) ?? { host, requests: 0, receivedBytes: 0 };
      hosts.set(host, {
        host,
        requests: known.requests + requests,
        receivedBytes: known.receivedBytes + receivedBytes,
      });
    },
    list: () => [...hosts.values()],
  };
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', end);
      resolve();
    }, ms);
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}

/** How often a server may ask to wait before its word is taken for a refusal. */
const LONGEST_PATIENCE = 10;

/**
 * Does `attempt` until it succeeds, or has failed `retries` times in a row without progress.
 * @param attempt calls `progressed` when something has arrived: the count begins anew then
 * @throws the last failure, what is not TryAgain, the signal's reason
 */
export async function withRetries<T>(
  { settings, waiting }: Net,
  signal: AbortSignal,
  attempt: (progressed: () => void) => Promise<T>,
): Promise<T> {
  let failures = 0;
  let asked = 0;
  for (;;) {
    signal.throwIfAborted();
    try {
      return await attempt(() => (failures = asked = 0));
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof TryAgain)) throw error;
      const over = error.waitMs === null ? ++failures > settings.retries : ++asked > LONGEST_PATIENCE;
      if (over) throw error.failure;
      const backOff = settings.retryMs * 2 ** (failures - 1);
      const wait = error.waitMs ?? (error.atOnce && failures === 1 ? 0 : backOff);
      waiting(error.failure.message, wait);
      await sleep(wait, signal).finally(() => waiting(null, 0));
    }
  }
}

/** A request under way, that is given up when nothing comes for too long. */
export interface Answer {
  response: Response;
  /** The host that answered last, after redirects. */
  host: string;
  /** The body piece by piece; ends where the server ends it, whatever it promised. */
  pieces(): AsyncGenerator<Uint8Array>;
  /** Lets go of the connection. */
  cancel(): void;
}

interface Watch {
  signal: AbortSignal;
  /** Something came, or is waited for from now on: the time counts anew. */
  heard(): void;
  /** Nothing is waited for: a disk that takes its time is no silence of the server. */
  rest(): void;
  isLate(): boolean;
  end(): void;
}

function watchSilence(idleMs: number, outer: AbortSignal): Watch {
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), idleMs);
  const rest = (): void => clearTimeout(timer);
  return {
    signal: AbortSignal.any([silence.signal, outer]),
    heard: () => {
      rest();
      timer = setTimeout(() => silence.abort(), idleMs);
    },
    ...{ rest, end: rest },
    isLate: () => silence.signal.aborted,
  };
}

/** What a failed connection is called. */
function broken(what: string, watch: Watch, idleMs: number, error: unknown): TryAgain {
  if (watch.isLate()) {
    const message = `${what}: nothing has come for ${idleMs / 1000} s.`;
    return new TryAgain(new LorikeetError('hub.idle', message, KEPT));
  }
  const reason = error instanceof Error ? error.message : String(error);
  const message = `${what}: the connection broke or could not be made (${reason}).`;
  return new TryAgain(new LorikeetError('hub.unreachable', message, `Check the network. ${KEPT}`));
}

/**
 * Asks for an address once.
 * @param what the request in words, for messages @param range bytes [from, end) to ask for; null: all
 * @throws TryAgain, LorikeetError hub.*, the signal's reason
 */
export async function ask(
  net: Net,
  url: string,
  what: string,
  range: readonly [number, number] | null,
  signal: AbortSignal,
): Promise<Answer> {
  const { idleMs, endpoint } = net.settings;
  const watch = watchSilence(idleMs, signal);
  const failed = (error: unknown): unknown => {
    watch.end();
    return signal.aborted ? signal.reason : broken(what, watch, idleMs, error);
  };
  let response: Response;
  try {
    response = await net.fetch(url, {
      // A single range needs no preflight; others, as If-Range, would, and file servers refuse those.
      headers: range ? { Range: `bytes=${range[0]}-${range[1] - 1}` } : {},
      signal: watch.signal,
      cache: 'no-store',
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
    });
  } catch (error) {
    net.traffic(new URL(url).host, 1, 0);
    throw failed(error);
  }
  watch.heard();
  const at = new URL(response.url || url);
  const asked = new URL(url);
  net.traffic(asked.host, 1, 0);
  if (at.host !== asked.host) net.traffic(at.host, 1, 0);
  const cancel = (): void => {
    watch.end();
    response.body?.cancel().catch(() => undefined);
  };
  if (!response.ok) {
    cancel();
    throw failureOf(response, what, at.origin === endpoint);
  }
  return { response, host: at.host, pieces: () => pieces(net, response, at.host, watch, failed), cancel };
}

async function* pieces(
  net: Net,
  response: Response,
  host: string,
  watch: Watch,
  failed: (error: unknown) => unknown,
): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader();
  if (!reader) return;
  try {
    for (;;) {
      watch.heard();
      const { done, value } = await reader.read().catch((error: unknown) => {
        throw failed(error);
      });
      if (done) return;
      watch.rest();
      net.traffic(host, 0, value.byteLength);
      yield value;
    }
  } finally {
    watch.end();
    reader.cancel().catch(() => undefined);
  }
}

/** More than any answer of the hub's own interface, or any small file, has. */
const MAX_TEXT_BYTES = 32 * 1024 * 1024;

/** The whole text of an address, with its headers. @throws hub.*, the signal's reason */
export function askText(
  net: Net,
  url: string,
  what: string,
  signal: AbortSignal,
): Promise<{ text: string; headers: Headers }> {
  return withRetries(net, signal, async () => {
    const answer = await ask(net, url, what, null, signal);
    const decoder = new TextDecoder();
    let text = '';
    for await (const piece of answer.pieces()) {
      text += decoder.decode(piece, { stream: true });
      if (text.length > MAX_TEXT_BYTES) throw new LorikeetError('hub.answer', `${what}: the answer is far too long.`);
    }
    return { text: text + decoder.decode(), headers: answer.response.headers };
  });
}

/** The JSON of an address. @throws hub.answer when it is none; as askText */
export async function askJson(
  net: Net,
  url: string,
  what: string,
  signal: AbortSignal,
): Promise<{ json: unknown; headers: Headers }> {
  const { text, headers } = await askText(net, url, what, signal);
  try {
    return { json: JSON.parse(text) as unknown, headers };
  } catch {
    throw new LorikeetError(
      'hub.answer',
      `${what}: the answer is not JSON; it begins with ${JSON.stringify(text.slice(0, 60))}.`,
      'Something between here and the hub may have answered in its place: a proxy, or a login page of the network.',
    );
  }
}
