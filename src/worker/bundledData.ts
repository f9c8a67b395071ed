// Fetches the demo's data files from the app's own origin, as if they had been dropped.

import type { InputFile } from '../base/dataset';
import { check, LorikeetError } from '../base/errors';

const AT_ONCE = 8;

async function get(url: string, signal: AbortSignal): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { signal });
  } catch (error) {
    signal.throwIfAborted();
    const detail = error instanceof Error ? error.message : String(error);
    throw new LorikeetError('bundled.fetch', `${url} cannot be fetched (${detail})`, 'Is the server still running?');
  }
  check(response.ok, 'bundled.fetch', `${url}: the server answered ${response.status}`, 'Reload the page.');
  return response;
}

async function fileList(folder: string, signal: AbortSignal): Promise<string[]> {
  const url = `${folder}index.json`;
  const list = (await (await get(url, signal)).json().catch(() => null)) as { files?: unknown } | null;
  const files = list?.files;
  const valid = Array.isArray(files) && files.every((name): name is string => typeof name === 'string');
  check(valid, 'bundled.index', `${url}: expected { "files": [names] }`);
  return files;
}

/**
 * The files that `${url}data/index.json` lists.
 * @param url the demo's folder, with a slash at its end
 * @throws bundled.fetch, bundled.index, the signal's reason
 */
export async function fetchBundled(
  url: string,
  signal: AbortSignal,
  onProgress: (done: number, total: number) => void,
): Promise<InputFile[]> {
  const folder = `${url.replace(/\/?$/, '/')}data/`;
  const names = await fileList(folder, signal);
  const out = new Array<InputFile>(names.length);
  let next = 0;
  let done = 0;
  const lane = async (): Promise<void> => {
    for (let at = next++; at < names.length; at = next++) {
      const address = folder + names[at]!.split('/').map(encodeURIComponent).join('/');
      out[at] = { path: names[at]!, file: await (await get(address, signal)).blob() };
      onProgress(++done, names.length);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return out;
}
