// What the server that this page came from promises by its headers. The page claims only what they hold: a static host
// may serve the same files without any.

import { LorikeetError } from './errors';

/** Sources that bring in or send nothing beyond the page's own origin. */
const OWN_SOURCES = new Set([
  ...["'none'", "'self'", 'blob:', 'data:'],
  ...["'unsafe-inline'", "'unsafe-eval'", "'wasm-unsafe-eval'", "'report-sample'"],
]);
/** Directives by which a page can reach another origin; each falls back on default-src. */
const FETCHES = [
  ...['connect-src', 'script-src', 'worker-src', 'img-src', 'style-src', 'font-src', 'media-src', 'object-src'],
  ...['frame-src', 'manifest-src'],
];

/** Directives of one policy: name to sources. */
type Policy = ReadonlyMap<string, readonly string[]>;

function readPolicies(header: string): Policy[] {
  return header.split(',').map((text) => {
    const policy = new Map<string, string[]>();
    for (const part of text.split(';')) {
      const [name, ...sources] = part.trim().toLowerCase().split(/\s+/);
      // The first of two directives of one name counts.
      if (name && !policy.has(name)) policy.set(name, sources);
    }
    return policy;
  });
}

function isWithin(sources: readonly string[] | undefined, allowed: ReadonlySet<string>): boolean {
  return sources !== undefined && sources.every((source) => allowed.has(source));
}

function sourcesOf(policy: Policy, directive: string): readonly string[] | undefined {
  return policy.get(directive) ?? policy.get('default-src');
}

function fetchesStayWithin(policy: Policy, allowed: ReadonlySet<string>, directives = FETCHES): boolean {
  return directives.every((name) => isWithin(sourcesOf(policy, name), allowed));
}

/**
 * Whether a response with this policy can make no request to another origin, forms included.
 * @param header value of Content-Security-Policy; null: there is none. Of several policies one is enough
 */
export function keepsRequestsInside(header: string | null): boolean {
  return readPolicies(header ?? '').some(
    (policy) => fetchesStayWithin(policy, OWN_SOURCES) && isWithin(policy.get('form-action'), OWN_SOURCES),
  );
}

/** All hosts: `*`, also with a scheme or a port, or a scheme alone. */
const ANY_HOST = /^(?:[a-z][a-z0-9+.-]*:|(?:[a-z][a-z0-9+.-]*:\/\/)?\*(?:[:/].*)?)$/;

/**
 * Whether a worker script with this policy can bring in nothing from elsewhere, and connect to named hosts alone.
 * @param header value of Content-Security-Policy; null: there is none. Of several policies one is enough
 */
export function namesConnections(header: string | null): boolean {
  const others = FETCHES.filter((name) => name !== 'connect-src');
  return readPolicies(header ?? '').some((policy) => {
    const named = (source: string): boolean => OWN_SOURCES.has(source) || !ANY_HOST.test(source);
    return fetchesStayWithin(policy, OWN_SOURCES, others) && (sourcesOf(policy, 'connect-src')?.every(named) ?? false);
  });
}

/** Whether a source of a policy admits an origin; wildcards stand for hosts below a name. @param page the page's origin */
function admits(source: string, origin: URL, page: string): boolean {
  if (source === '*' || source === `${origin.protocol}`) return true;
  if (source === "'self'") return origin.origin === page;
  const [, scheme, host] = /^(?:([a-z]+:)\/\/)?(.+?)\/?$/.exec(source) ?? [];
  if (!host || (scheme && scheme !== origin.protocol)) return false;
  return host.startsWith('*.') ? origin.hostname.endsWith(host.slice(1)) : host === origin.host;
}

/**
 * Whether a worker script with this policy can connect to an origin.
 * @param header value of Content-Security-Policy; null: there is none. Each of several policies must allow it
 * @param page the origin that the policy is served from
 */
export function allowsConnection(header: string | null, origin: string, page: string): boolean {
  if (header === null) return true;
  const url = new URL(origin);
  return readPolicies(header).every((policy) => {
    const sources = sourcesOf(policy, 'connect-src');
    return sources === undefined || sources.some((source) => admits(source, url, page));
  });
}

/** In development the worker's own modules are imports, and hot reload's; elsewhere its script is one file. */
const SCRIPT_SOURCES = new Set(["'none'", "'unsafe-eval'", ...(import.meta.env.DEV ? ["'self'"] : [])]);

/**
 * Whether a worker script with this policy can make no request at all, which text that a user brought needs.
 * @param header value of Content-Security-Policy; null: there is none. Of several policies one is enough
 */
export function deniesAllRequests(header: string | null): boolean {
  return readPolicies(header ?? '').some((policy) => fetchesStayWithin(policy, SCRIPT_SOURCES));
}

/** A server answers in milliseconds; a busy machine gets far more, but no run waits for ever. */
const ANSWER_MS = 30_000;

/**
 * The Content-Security-Policy that a file of the own origin comes with, as the browser got it.
 * @param limitMs longest wait for the answer @returns null: the server sends none
 * @throws server.noAnswer when it cannot be asked, so that nothing is known
 */
export async function servedPolicy(url: string, limitMs = ANSWER_MS): Promise<string | null> {
  const noAnswer = (reason: string): LorikeetError =>
    new LorikeetError(
      'server.noAnswer',
      `The server that this page came from could not be asked for its policy for ${url}: ${reason}.`,
      'See that it runs (npm start) and can be reached, then try again; a run that has begun can be resumed.',
    );
  const response = await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(limitMs) }).catch(
    (error: unknown) => {
      const late = error instanceof DOMException && error.name === 'TimeoutError';
      throw noAnswer(late ? `no answer within ${limitMs / 1000} s` : String(error));
    },
  );
  if (!response.ok) throw noAnswer(`it answered with status ${response.status}`);
  return response.headers.get('content-security-policy');
}
