// A small file server for localhost: security headers on every response, nothing outside its folders, no writing.

import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, resolve, sep } from 'node:path';
import { securityHeaders, securityHeadersOf } from './headers.mjs';

/** The path at which a Lorikeet server says what it is. */
export const IDENTITY_PATH = '/lorikeet-server.json';
export const IDENTITY = { app: 'lorikeet', server: 1 };
/** Where the page reads how the hub is asked (src/hub/settings.ts); a file of the build, unless a hub is given. */
const HUB_PATH = '/hub.json';

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.jsonl': 'application/jsonl; charset=utf-8',
  '.csv': 'text/csv; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
  '.wasm': 'application/wasm',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.svg': 'image/svg+xml',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.zip': 'application/zip',
};

/** Vite puts a hash of the content into these names, so they never change. */
const IMMUTABLE = /^\/assets\/.+-[\w-]{8}\.\w+$/;
/** Another host name means that a foreign site points its own name at this machine. */
const OWN_HOST = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/;

function send(response, status, body, headers = {}) {
  response.writeHead(status, {
    ...securityHeaders,
    'Content-Type': TYPES['.txt'],
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    ...headers,
  });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

/** The decoded path of a request, or null when it is not one that can name a file here. */
function readPath(url) {
  try {
    const path = decodeURIComponent(url.split(/[?#]/)[0]);
    const isPlain = path.startsWith('/') && !path.includes('\0') && !path.includes('\\') && !/\/\./.test(path);
    return isPlain ? path : null;
  } catch {
    return null;
  }
}

/** The file that a path names: in the first mount whose prefix it has, else in `root`. Null outside the folder. */
function locate(path, { root, mounts }) {
  const prefix = Object.keys(mounts).find((candidate) => path.startsWith(candidate));
  const folder = resolve(prefix === undefined ? root : mounts[prefix]);
  const rest = prefix === undefined ? path.slice(1) : path.slice(prefix.length);
  const file = resolve(folder, rest.endsWith('/') || rest === '' ? `${rest}index.html` : rest);
  return file.startsWith(folder + sep) ? file : null;
}

async function statFile(file) {
  try {
    const entry = await stat(file);
    return entry.isFile() ? entry : null;
  } catch {
    return null;
  }
}

/** Sends a file, or 304 when the client has this version. */
async function sendFile(request, response, path, file, hub) {
  const entry = file === null ? null : await statFile(file);
  if (entry === null) return send(response, 404, `not found: ${path}\n`);
  const etag = `"${entry.size.toString(16)}-${Math.round(entry.mtimeMs).toString(16)}"`;
  const headers = {
    ...securityHeadersOf(path, hub?.hosts),
    'Content-Type': TYPES[extname(file).toLowerCase()] ?? 'application/octet-stream',
    'Cache-Control': IMMUTABLE.test(path) ? 'public, max-age=31536000, immutable' : 'no-cache',
    ETag: etag,
  };
  if (request.headers['if-none-match'] === etag) {
    response.writeHead(304, headers);
    return response.end();
  }
  response.writeHead(200, { ...headers, 'Content-Length': entry.size });
  if (request.method === 'HEAD') return response.end();
  // A file that shrinks or vanishes while it is sent must break the connection, not look complete.
  createReadStream(file)
    .on('error', () => response.destroy())
    .pipe(response);
}

async function handle(request, response, folders) {
  if (!OWN_HOST.test(request.headers.host ?? '')) return send(response, 421, 'this server answers localhost only\n');
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return send(response, 405, 'only GET and HEAD\n', { Allow: 'GET, HEAD' });
  }
  const path = readPath(request.url);
  if (path === null) return send(response, 400, 'bad path\n');
  if (path === IDENTITY_PATH) {
    return send(response, 200, JSON.stringify(IDENTITY), { 'Content-Type': TYPES['.json'] });
  }
  if (path === HUB_PATH && folders.hub) {
    return send(response, 200, JSON.stringify(folders.hub.settings), { 'Content-Type': TYPES['.json'] });
  }
  return sendFile(request, response, path, locate(path, folders), folders.hub);
}

/** Answers what is not HTTP at all; Node's own answer would lack the headers. */
function refuse(error, socket) {
  if (!socket.writable || error.code === 'ECONNRESET') return socket.destroy();
  const headers = Object.entries(securityHeaders).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 400 Bad Request\r\n${headers.join('')}Content-Length: 0\r\nConnection: close\r\n\r\n`);
}

function listen(server, port, host) {
  return new Promise((done, fail) => {
    server.once('error', fail);
    server.listen(port, host, () => done(server.address().port));
  });
}

/**
 * Serves folders on localhost.
 * @param {object} options
 * @param {string} options.root folder of the pages
 * @param {Record<string, string>} [options.mounts] other folders by path prefix, e.g. {'/reference/': DIR}
 * @param {number} [options.port] 0 takes a free one
 * @param {import('./hubHost.mjs').Hub} [options.hub] another hub than Hugging Face's own
 * @returns {Promise<{origin: string, port: number, close: () => Promise<void>}>}
 * @throws the system's error, e.g. code EADDRINUSE
 */
export async function startServer({ root, mounts = {}, port = 0, hub = undefined }) {
  const onRequest = (request, response) => {
    handle(request, response, { root, mounts, hub }).catch((error) => {
      if (response.headersSent) response.destroy();
      else send(response, 500, `${error.message}\n`);
    });
  };
  const make = () => createServer(onRequest).on('clientError', refuse);
  const servers = [make()];
  const bound = await listen(servers[0], port, '127.0.0.1');
  // A browser may try ::1 for `localhost` first; where the machine has no IPv6 this one is not needed.
  const second = make();
  try {
    await listen(second, bound, '::1');
    servers.push(second);
  } catch (error) {
    if (error.code === 'EADDRINUSE') {
      servers[0].close();
      throw error;
    }
  }
  const close = async () => {
    for (const server of servers) {
      server.close();
      server.closeAllConnections();
    }
  };
  return { origin: `http://localhost:${bound}`, port: bound, close };
}
