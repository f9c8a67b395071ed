// Serves the folder of reference fixtures at /reference/ on the development and test servers. Never part of a build.

import { createReadStream, existsSync, statSync } from 'node:fs';
import { join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const PREFIX = '/reference/';
const repository = fileURLToPath(new URL('../../', import.meta.url));

/**
 * The fixtures in use: the full set beside the repository if it is there, else the reduced copy inside it.
 * @returns {string} absolute path of the folder
 */
export function referenceFolder() {
  const full = resolve(repository, '../shared/reference/cases');
  return existsSync(full) ? full : join(repository, 'e2e', 'reference');
}

/** The file behind a request path, or null when there is none inside `root`. */
function fileOf(root, url) {
  const path = decodeURIComponent(url.slice(PREFIX.length).split(/[?#]/)[0]);
  const file = resolve(root, path);
  if (!file.startsWith(root + sep) || !existsSync(file) || !statSync(file).isFile()) return null;
  return file;
}

function handle(root, request, response, next) {
  if (!request.url?.startsWith(PREFIX)) return next();
  const file = fileOf(root, request.url);
  if (file === null) {
    response.statusCode = 404;
    response.end(`no such reference file: ${request.url}`);
    return;
  }
  response.setHeader('Content-Type', file.endsWith('.json') ? 'application/json' : 'application/octet-stream');
  response.setHeader('Content-Length', statSync(file).size);
  if (request.method === 'HEAD') response.end();
  else createReadStream(file).pipe(response);
}

/**
 * The Vite plugin.
 * @param {string} root folder to serve
 */
export function referencePlugin(root = referenceFolder()) {
  return {
    name: 'lorikeet-reference',
    configureServer(server) {
      server.middlewares.use((request, response, next) => handle(root, request, response, next));
    },
  };
}
