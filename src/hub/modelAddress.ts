// Names of models as people write them, and the addresses behind them. Asks nothing.

import type { HubAddress } from '../base/hubModel';
import { check, LorikeetError } from '../base/errors';
import { HUB_DEFAULTS } from './settings';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,95}$/;
/** Branches and tags may hold slashes; git allows neither `..` nor a slash at an end. */
const REVISION = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$/;
const PAGE = /^https?:\/\/([^/?#]+)\/([^/?#]+)\/([^/?#]+)(?:\/(?:tree\/([^?#]+)|blob\/([^/?#]+)))?/;

/** Whether a text is the name of a revision that git would take. */
function isRevision(text: string): boolean {
  return REVISION.test(text) && !text.includes('..') && !text.includes('//') && !/[/.]$/.test(text);
}

/**
 * Reads `owner/name`, `owner/name@revision` or the address of a model's page.
 * @param revision used where the text names none
 * @param endpoint the hub that is asked: the page may be of no other
 * @throws hub.address
 */
export function parseModelAddress(text: string, revision = 'main', endpoint = HUB_DEFAULTS.endpoint): HubAddress {
  const trimmed = text.trim();
  const [path, given] = splitPage(trimmed, new URL(endpoint).host) ?? splitRevision(trimmed);
  const parts = path.split('/');
  const found = (given ?? revision).trim() || 'main';
  if (parts.length === 2 && parts.every((part) => NAME.test(part) && !part.includes('..')) && isRevision(found)) {
    return { id: path, revision: found };
  }
  throw new LorikeetError(
    'hub.address',
    `${JSON.stringify(trimmed)} does not name a model: expected owner/name, with @revision after it where it is not main.`,
    'For example Qwen/Qwen2.5-VL-3B-Instruct.',
  );
}

/** Name and revision in a page's address; null for another text. @throws hub.address for a page of another host */
function splitPage(text: string, asked: string): [string, string | undefined] | null {
  const page = PAGE.exec(text);
  if (!page) return null;
  const [, host, owner, name, tree, blob] = page;
  check(
    host!.toLowerCase() === asked,
    'hub.address',
    `${text} is a page of ${host}, but this page asks ${asked}.`,
    `Give owner/name alone to ask ${asked}; docs/hosting.md says how another hub is set.`,
  );
  // The hub writes a branch's slashes as %2F.
  const revision = (tree?.replace(/\/+$/, '') ?? blob)?.replace(/%2F/gi, '/');
  return [`${owner}/${name}`, revision];
}

function splitRevision(text: string): [string, string | undefined] {
  const at = text.indexOf('@');
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

/** Where the hub tells a revision's commit and model card. */
export function revisionUrl(endpoint: string, { id, revision }: HubAddress): string {
  return `${endpoint}/api/models/${id}/revision/${encodeURIComponent(revision)}`;
}

/** Where the hub lists the files of a commit, with sizes and hashes; the first page. */
export function treeUrl(endpoint: string, id: string, commit: string): string {
  return `${endpoint}/api/models/${id}/tree/${commit}?recursive=true`;
}

/** Where the hub gives a file of a commit; large ones lie behind a redirect. */
export function fileUrl(endpoint: string, id: string, commit: string, name: string): string {
  return `${endpoint}/${id}/resolve/${commit}/${name.split('/').map(encodeURIComponent).join('/')}`;
}
