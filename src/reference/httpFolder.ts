// A reference folder read over HTTP from the page's own origin. Must not know what the cases mean.

import { check } from '../base/errors';
import { decodeTensors } from './decodeTensors';
import type { ReferenceCase, ReferenceFolder } from './types';

async function get(url: string): Promise<Response> {
  const response = await fetch(url);
  check(response.ok, 'reference.missing', `${url}: HTTP ${response.status}`, 'Is the folder complete?');
  return response;
}

function readManifest(value: unknown, url: string): ReferenceCase[] {
  const manifest = value as { format?: unknown; version?: unknown; cases?: unknown };
  check(
    manifest.format === 'lorikeet-reference' && manifest.version === 1 && Array.isArray(manifest.cases),
    'reference.format',
    `${url}: format ${String(manifest.format)} version ${String(manifest.version)}, expected lorikeet-reference 1`,
  );
  return manifest.cases as ReferenceCase[];
}

/**
 * Opens a folder in the format of the numeric reference (version 1).
 * @param baseUrl address of the folder, with or without the last slash
 * @returns the folder; each call reads the file anew
 * @throws reference.missing, reference.format; from `tensors` also the errors of decodeTensors
 */
export async function openHttpFolder(baseUrl: string): Promise<ReferenceFolder> {
  const base = baseUrl.endsWith('/') ? baseUrl : `${baseUrl}/`;
  const urlOf = (path: string): string => base + path.split('/').map(encodeURIComponent).join('/');
  const bytes = async (path: string): Promise<Uint8Array> =>
    new Uint8Array(await (await get(urlOf(path))).arrayBuffer());
  const json = async (path: string): Promise<unknown> => (await get(urlOf(path))).json();
  return {
    cases: readManifest(await json('manifest.json'), urlOf('manifest.json')),
    json,
    bytes,
    tensors: async (path) => decodeTensors(await bytes(path), path),
    exists: async (path) => (await fetch(urlOf(path), { method: 'HEAD' })).ok,
  };
}
