// `--model owner/name[@revision]`: a model that the page fetches from the hub, and the browser profile that keeps it.

import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { inRepository } from '../launcher/paths.mjs';

/** As src/hub/modelAddress.ts reads it. */
const NAME = /^([A-Za-z0-9][\w.-]{0,95}\/[A-Za-z0-9][\w.-]{0,95})(?:@([A-Za-z0-9][\w./-]{0,127}))?$/;

/** Pages keep what they store by port: models of the hub are kept by this one, unless another is given. */
export const HUB_PORT = 5179;

/**
 * Reads a name on the hub.
 * @param {string} text
 * @returns {{id: string, revision: string} | null} null when it is none
 */
export function readHubName(text) {
  const found = NAME.exec(text);
  return found === null ? null : { id: found[1], revision: found[2] ?? 'main' };
}

/**
 * The folder of the browser profile that keeps models; LORIKEET_CACHE names another place for it.
 * @param {number} port of the page
 */
export function modelProfile(port) {
  const folder = join(process.env.LORIKEET_CACHE ?? inRepository('.cache'), `models-${port}`);
  if (!existsSync(folder)) mkdirSync(folder, { recursive: true });
  return folder;
}

/**
 * Makes a profile that was used before as good as new, but for its models: settings, data and runs of an earlier
 * training would take the place of defaults.
 * @param {import('playwright').Page} page blank @param {string} origin of the page's server
 */
export async function keepOnlyModels(page, origin) {
  await page.goto(`${origin}/hub.json`);
  await page.evaluate(async () => {
    const { localStorage, indexedDB, navigator } = globalThis;
    localStorage.clear();
    for (const { name } of await indexedDB.databases()) {
      if (name === 'lorikeet-models') continue;
      await new Promise((done, fail) => {
        const request = indexedDB.deleteDatabase(name);
        request.onsuccess = done;
        request.onerror = () => fail(request.error);
      });
    }
    const root = await navigator.storage.getDirectory();
    for await (const [name, handle] of root.entries()) {
      // Checkpoints lie in the root, models in a folder.
      if (handle.kind === 'file') await root.removeEntry(name).catch(() => {});
    }
  });
}
