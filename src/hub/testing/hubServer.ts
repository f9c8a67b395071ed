// A server that plays the Hugging Face hub and its file server, on two ports of this machine, in the ways that the real
// ones were seen to answer (CORS headers, redirects, paged lists, hashes), and with the faults that a test asks for.

import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What goes wrong with one answer of the file server. */
export type Fault =
  /** The connection is destroyed after so many bytes of the body. */
  | { kind: 'cut'; after: number }
  /** The body stops after so many bytes, and the connection stays open. */
  | { kind: 'stall'; after: number }
  /** The body ends properly, too early. */
  | { kind: 'short'; after: number }
  /** The byte at this place of the file is another. */
  | { kind: 'wrongByte'; at: number }
  | { kind: 'etag'; value: string }
  /** 200 and the whole file, whatever part was asked for. */
  | { kind: 'whole' }
  | { kind: 'otherRange' }
  | { kind: 'status'; status: number; headers?: Record<string, string> };

/** One request as the server saw it. */
export interface Seen {
  at: 'hub' | 'files';
  path: string;
  range: string | null;
  /** The Origin header; null without one. */
  origin: string | null;
  method: string;
}

export interface TestHub {
  /** Origin of the hub. */
  endpoint: string;
  /** Origin of the server of large files. */
  fileServer: string;
  seen: Seen[];
  /** Asked for each answer of the file server; `count` counts requests for the file from 1 on. */
  fault: (name: string, count: number, range: string | null) => Fault | null;
  /** Answers of the hub itself by path prefix, in place of the usual. */
  refusals: Record<string, { status: number; headers?: Record<string, string> }>;
  /** Holds back every body of the file server while it is set: resolve it to go on. */
  gate: Promise<void> | null;
  files: Record<string, Buffer>;
  /** Forgets requests, faults and refusals. */
  reset(files: Record<string, Buffer>): void;
  close(): Promise<void>;
}

export const TEST_COMMIT = 'c0ffee0123456789c0ffee0123456789c0ffee01';
const EXPOSED = 'X-Repo-Commit, X-Error-Code, X-Error-Message, ETag, Link, Accept-Ranges, Content-Range, X-Linked-Size';
const PAGE = 3;

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const gitSha1 = (bytes: Buffer): string =>
  createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
const isLarge = (name: string): boolean => name.endsWith('.safetensors');

function cors(response: ServerResponse, origin: string | null, exposed: string): void {
  response.setHeader('Access-Control-Allow-Origin', origin ?? '*');
  response.setHeader('Access-Control-Expose-Headers', exposed);
  response.setHeader('Vary', 'Origin');
}

/** Sends a part of a file, or what the fault makes of it. */
function sendBytes(
  hub: TestHub,
  request: IncomingMessage,
  response: ServerResponse,
  name: string,
  fault: Fault | null,
) {
  const original = hub.files[name]!;
  const bytes = fault?.kind === 'wrongByte' ? Buffer.from(original) : original;
  if (fault?.kind === 'wrongByte') bytes[fault.at] = bytes[fault.at]! ^ 1;
  if (fault?.kind === 'status') {
    response.writeHead(fault.status, fault.headers);
    return response.end('no');
  }
  const asked = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
  const etag = isLarge(name) ? sha256(original) : gitSha1(original);
  response.setHeader('ETag', `"${fault?.kind === 'etag' ? fault.value : etag}"`);
  response.setHeader('Accept-Ranges', 'bytes');
  let [from, end] = [0, bytes.length];
  if (asked && fault?.kind !== 'whole') {
    [from, end] = [Number(asked[1]), Number(asked[2]) + 1];
    const shift = fault?.kind === 'otherRange' ? 1 : 0;
    response.setHeader('Content-Range', `bytes ${from + shift}-${end - 1 + shift}/${bytes.length}`);
    response.statusCode = 206;
  }
  const body = bytes.subarray(from, end);
  const stops = fault?.kind === 'cut' || fault?.kind === 'stall' || fault?.kind === 'short';
  const part = stops ? body.subarray(0, fault.after) : body;
  if (fault?.kind !== 'short') response.setHeader('Content-Length', body.length);
  if (fault?.kind === 'stall') return void response.write(part);
  if (fault?.kind === 'cut') return void response.write(part, () => response.socket?.destroy());
  response.end(part);
}

function entries(files: Record<string, Buffer>): object[] {
  const list = Object.entries(files).map(([path, bytes]) => {
    const large = isLarge(path) ? { lfs: { oid: sha256(bytes), size: bytes.length, pointerSize: 135 } } : {};
    return { type: 'file', path, size: bytes.length, oid: gitSha1(bytes), ...large };
  });
  return [{ type: 'directory', path: 'onnx', size: 0, oid: '0'.repeat(40) }, ...list];
}

/** The hub's own answers: commit and card, list of files, small files, redirects to the file server. */
function answerHub(hub: TestHub, id: string, card: object, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', hub.endpoint);
  const path = decodeURIComponent(url.pathname);
  cors(response, request.headers.origin ?? null, EXPOSED);
  const json = (value: unknown): void => {
    response.setHeader('Content-Type', 'application/json');
    response.end(JSON.stringify(value));
  };
  const refused = Object.entries(hub.refusals).find(([prefix]) => path.startsWith(prefix))?.[1];
  if (refused) {
    response.writeHead(refused.status, refused.headers);
    return void response.end('{"error":"refused"}');
  }
  if (path.startsWith(`/api/models/${id}/revision/`)) return json({ id, sha: TEST_COMMIT, cardData: card });
  if (path === `/api/models/${id}/tree/${TEST_COMMIT}`) {
    const at = Number(url.searchParams.get('cursor') ?? 0);
    const all = entries(hub.files);
    const next = `${hub.endpoint}${url.pathname}?recursive=true&cursor=${at + PAGE}`;
    if (at + PAGE < all.length) response.setHeader('Link', `<${next}>; rel="next"`);
    return json(all.slice(at, at + PAGE));
  }
  const name = path.startsWith(`/${id}/resolve/${TEST_COMMIT}/`) ? path.split('/').pop()! : '';
  if (!hub.files[name]) {
    response.writeHead(404, { 'X-Error-Code': path.startsWith(`/${id}/`) ? 'EntryNotFound' : 'RepoNotFound' });
    return void response.end();
  }
  if (!isLarge(name)) return void sendBytes(hub, request, response, name, null);
  response.writeHead(302, { Location: `${hub.fileServer}/files/${name}?X-Amz-Signature=${Date.now()}` });
  response.end();
}

function listen(server: Server): Promise<string> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(`http://localhost:${(server.address() as AddressInfo).port}`));
  });
}

/**
 * Starts a hub with one model.
 * @param files of the repository's root; those that end in .safetensors are in large file storage
 * @param card the model card's data
 */
export async function startTestHub(
  id: string,
  files: Record<string, Buffer>,
  card: object = { license: 'apache-2.0' },
): Promise<TestHub> {
  const counts = new Map<string, number>();
  const note = (at: Seen['at'], request: IncomingMessage): void => {
    const { url = '', headers, method = '' } = request;
    hub.seen.push({ at, path: url, range: headers.range ?? null, origin: headers.origin ?? null, method });
  };
  const front = createServer((request, response) => {
    note('hub', request);
    answerHub(hub, id, card, request, response);
  });
  const store = createServer((request, response) => {
    note('files', request);
    cors(response, null, '*');
    const name = new URL(request.url ?? '/', 'http://files').pathname.split('/').pop()!;
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    const fault = hub.fault(name, count, request.headers.range ?? null);
    void (hub.gate ?? Promise.resolve()).then(() => sendBytes(hub, request, response, name, fault));
  });
  const hub: TestHub = {
    ...{ endpoint: await listen(front), fileServer: await listen(store) },
    ...{ seen: [], fault: () => null, refusals: {}, gate: null, files },
    reset: (fresh) => {
      counts.clear();
      Object.assign(hub, { seen: [], fault: () => null, refusals: {}, gate: null, files: fresh });
    },
    close: async () => {
      for (const server of [front, store]) {
        server.close();
        server.closeAllConnections();
      }
    },
  };
  return hub;
}
