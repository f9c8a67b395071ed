// `--hub-host`: another hub than huggingface.co, such as a mirror. The server then tells the page to ask that one, and
// lets the download worker, and nothing else, reach it.

import { Failure } from './failure.mjs';
import { HUB_HOSTS } from './headers.mjs';

/**
 * @typedef {object} Hub
 * @property {{endpoint: string, [name: string]: string | number}} settings the text of hub.json
 * @property {string[]} hosts what the download worker may reach, as sources of a policy
 */

export const hubHostOption = {
  type: 'string',
  value: 'URL',
  about: 'hub to fetch models from (default: huggingface.co); its file servers after it, with commas',
};

/** The origin of a word. @throws Failure unless it is https, or http on this machine */
function originOf(word) {
  const url = URL.canParse(word) ? new URL(word) : null;
  const local = url?.protocol === 'http:' && ['localhost', '127.0.0.1'].includes(url.hostname);
  if (url !== null && (url.protocol === 'https:' || local) && url.pathname === '/' && !url.search) return url.origin;
  throw new Failure(
    `--hub-host ${word}: expected an https address without a path`,
    'For example --hub-host https://hf-mirror.com',
  );
}

/** A host and all below it: mirrors keep large files on hosts of their own. */
function sourcesOf(origin) {
  const { protocol, host } = new URL(origin);
  return protocol === 'https:' ? [origin, `https://*.${host}`] : [origin];
}

/**
 * Reads the flag.
 * @param {string} text an address, and those of its file servers where they are elsewhere
 * @returns {Hub}
 * @throws Failure
 */
export function readHubHost(text) {
  const origins = text.split(',').map((word) => originOf(word.trim()));
  // A mirror may send the browser on to the hub's own file servers.
  return { settings: { endpoint: origins[0] }, hosts: [...new Set([...origins.flatMap(sourcesOf), ...HUB_HOSTS])] };
}
