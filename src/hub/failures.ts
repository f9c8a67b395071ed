// What answers of the hub and its file servers mean: what may be tried again, and what has to be said.

import { LorikeetError } from '../base/errors';

/** A failure that may pass: the same request may be made again. */
export class TryAgain extends Error {
  /**
   * @param failure what is said when it does not pass
   * @param waitMs what the server asks to wait; null: the caller's own back-off
   * @param atOnce a new request may work at once: an address that had run out
   */
  constructor(
    readonly failure: LorikeetError,
    readonly waitMs: number | null = null,
    readonly atOnce = false,
  ) {
    super(failure.message);
  }
}

export const KEPT = 'What has arrived is kept: go on with it later.';

/** Seconds that `RateLimit: "resolvers";r=0;t=17` asks to wait; null without them. */
function rateLimitSeconds(header: string | null): number | null {
  const found = /;\s*t=(\d+)/.exec(header ?? '');
  return found ? Number(found[1]) : null;
}

/** Seconds of Retry-After, which is a number or a date; null without one that can be read. */
function retryAfterSeconds(header: string | null, now: number): number | null {
  if (header === null) return null;
  if (/^\d+$/.test(header.trim())) return Number(header);
  const time = Date.parse(header);
  return Number.isNaN(time) ? null : Math.max(0, (time - now) / 1000);
}

/** Longer than the hub's windows of five minutes; more than that is not waited for unseen. */
const LONGEST_WAIT_S = 600;
/** Where the browser does not show the page what the server asks for. */
const UNKNOWN_WAIT_S = 30;

/** How long an answer 429 asks to wait, in ms. */
export function rateLimitWait(headers: Headers, now = Date.now()): number | null {
  const seconds =
    rateLimitSeconds(headers.get('ratelimit')) ?? retryAfterSeconds(headers.get('retry-after'), now) ?? null;
  return seconds === null ? null : Math.min(seconds, LONGEST_WAIT_S) * 1000;
}

function refusal(status: number, code: string | null, what: string): LorikeetError | null {
  if (code === 'GatedRepo') {
    return new LorikeetError(
      'hub.gated',
      `${what}: the hub gives this model only to people who have asked for access.`,
      'Log in on its page, accept the terms, fetch it with `hf download` and choose the folder here. Lorikeet takes no access tokens.',
    );
  }
  if (code === 'RevisionNotFound') {
    return new LorikeetError('hub.revision', `${what}: the model has no such revision.`, 'main is the usual one.');
  }
  if (code === 'EntryNotFound') {
    return new LorikeetError('hub.file', `${what}: the hub has no such file any more.`, 'Look the model up anew.');
  }
  if (code === 'RepoNotFound' || status === 401 || status === 404) {
    return new LorikeetError(
      'hub.missing',
      `${what}: the hub has no such model, or it is private.`,
      'Check the spelling: owner/name, with capital letters as on its page. A private one has to be chosen as a folder.',
    );
  }
  return null;
}

/**
 * The failure of an answer that is no success.
 * @param what the request in words, e.g. `Qwen/Qwen2.5-VL-3B-Instruct, config.json`
 * @param atHub the hub itself answered, not a server that it sent the browser to
 * @returns TryAgain where it may pass
 */
export function failureOf(response: Response, what: string, atHub: boolean): TryAgain | LorikeetError {
  const { status, headers } = response;
  const error = (code: string, message: string): LorikeetError => new LorikeetError(code, message, KEPT);
  if (status === 429) {
    const message = `${what}: the hub has had too many requests from here and asks to wait.`;
    return new TryAgain(error('hub.busy', message), rateLimitWait(headers) ?? UNKNOWN_WAIT_S * 1000);
  }
  const refused = atHub ? refusal(status, headers.get('x-error-code'), what) : null;
  if (refused) return refused;
  // Signed addresses run out after an hour; the hub gives a new one when it is asked for the file again.
  if (!atHub && (status === 403 || status === 401)) {
    return new TryAgain(error('hub.expired', `${what}: the file server takes the address no longer.`), null, true);
  }
  if (status === 416) return new TryAgain(error('hub.range', `${what}: the server has no such bytes of the file.`));
  if (status >= 500 || status === 408 || status === 404) {
    return new TryAgain(error('hub.status', `${what}: the server answered with status ${status}.`));
  }
  return error('hub.status', `${what}: the server answered with status ${status}.`);
}
