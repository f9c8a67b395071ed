// Names of models as people write them, and the addresses behind them. Asks nothing.

import type { HubAddress } from '../base/hubModel';
import { LorikeetError } from '../base/errors';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,95}$/;
/** Branches and tags may hold slashes; git allows neither `..` nor a slash at an end. */
const REVISION = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$/;
const PAGE = /^https:\/\/[^/]+\/([^/?#]+)\/([^/?#]+)(?:\/(?:tree|blob)\/([^/?#]+))?/;

/** Whether a text is the name of a revision that git would take. */
function isRevision(text: string): boolean {
  return REVISION.test(text) && !text.includes('..') && !text.includes('//') && !/[/.]$/.test(text);
}

/**
 * Reads `owner/name`, `owner/name@revision` or the address of a model's page.
 * @param revision used where the text names none
 * @throws hub.address
 */
export function parseModelAddress(text: string, revision = 'main'): HubAddress {
  const trimmed = text.trim();
  const page = PAGE.exec(trimmed);
  const [path, given] = page ? [`${page[1]}/${page[2]}`, page[3]] : splitRevision(trimmed);
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
