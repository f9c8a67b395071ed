// Works the hub's part of the Model card as a person does, against a hub of this machine. Asserts nothing itself.

import type { Page } from 'playwright';
import { startTestHub, type TestHub } from '../src/hub/testing/hubServer';
import { demoRepository } from '../src/hub/testing/modelFiles';
import type { startServer } from '../tools/launcher/server.mjs';
import { holdStill } from './axe';
import { openApp, type App } from './openApp';
import { card, openPage } from './pageDriver';

/** The hub as a server of the page is told of it, with limits that a test can wait for. */
export function hubOption(hub: TestHub): NonNullable<Parameters<typeof startServer>[0]['hub']> {
  const limits = {
    rangeBytes: 256 * 1024,
    idleMs: 5000,
    retryMs: 20,
    retries: 8,
    connections: 2,
    folderKeepBytes: 512 * 1024,
  };
  return { settings: { endpoint: hub.endpoint, ...limits }, hosts: [hub.endpoint, hub.fileServer] };
}

/** A hub that has the demo's model under `id`, and a page that asks it. @param card of the model */
export async function openHubApp(
  id: string,
  card?: Parameters<typeof startTestHub>[2],
): Promise<{ hub: TestHub; app: App }> {
  const hub = await startTestHub(id, demoRepository(), card);
  const app = await openApp(hubOption(hub));
  await holdStill(app.page);
  return { hub, app };
}

/** The page as on a first visit, with the hub as the source of the model, and the hub as it was. */
export async function beginAtHub(app: App, hub: TestHub): Promise<void> {
  await clearModels(app.page, app.origin);
  // A bare file has no icon, which the browser counts as an error.
  app.errors.length = 0;
  hub.reset(demoRepository());
  await openPage(app.page, app.origin);
  await chooseHub(app.page);
}

/** Requests that the hub's file server has seen. */
export function fileRequests(hub: TestHub): number {
  return hub.seen.filter(({ at }) => at === 'files').length;
}

/** Forgets every model of the browser, and leaves a page that has no Lorikeet in it. */
export async function clearModels(page: Page, origin: string): Promise<void> {
  await page.goto(`${origin}/hub.json`);
  await page.evaluate(async () => {
    await new Promise((resolve, reject) => {
      const request = indexedDB.deleteDatabase('lorikeet-models');
      request.onsuccess = resolve;
      request.onerror = () => reject(request.error!);
    });
    const root = await navigator.storage.getDirectory();
    await root.removeEntry('models', { recursive: true }).catch(() => undefined);
  });
}

/** Chooses Hugging Face as the source of the model. */
export async function chooseHub(page: Page): Promise<void> {
  await card(page, 1).locator('[role="radio"]', { hasText: 'Hugging Face' }).click();
}

/** Names a model and presses "Look it up". */
export async function lookUp(page: Page, id: string): Promise<void> {
  await page.fill('#hub-model', id);
  await page.click('#hub-look-up');
}

/** The state of the model in the list of stored ones. */
export function stored(page: Page, id: string): ReturnType<Page['locator']> {
  return page.locator('.storedModel', { hasText: id });
}

/** Waits until the model is in the list, whole. */
export async function waitWhole(page: Page, id: string): Promise<void> {
  await page.locator(`.storedModel[data-whole="true"]`, { hasText: id }).waitFor();
}

/** Names and sizes of what lies in the folder of models. */
export function filesOf(page: Page): Promise<Record<string, number>> {
  return page.evaluate(async () => {
    const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle('models', { create: true });
    const found: Record<string, number> = {};
    for await (const [name, handle] of folder.entries()) {
      if (handle.kind === 'file') found[name] = (await handle.getFile()).size;
    }
    return found;
  });
}

/** SHA-256 of the stored weights, as the browser reads them now; null without such a file. */
export function storedSha256(page: Page, name: string): Promise<string | null> {
  return page.evaluate(async (file) => {
    const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle('models', { create: true });
    const handle = await folder.getFileHandle(file).catch(() => null);
    if (!handle) return null;
    const digest = await crypto.subtle.digest('SHA-256', await (await handle.getFile()).arrayBuffer());
    return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
  }, name);
}

/** The folder that a person would pick, of the browser's private file system: its handles are of the same kind. */
export const PICKED = 'picked';

/**
 * Answers the picker of folders, which a browser without a screen cannot show, with a real folder; from the page's next
 * load on. All else is the browser's own.
 */
export async function pickAlways(page: Page): Promise<void> {
  await page.addInitScript((name) => {
    const pick = async (): Promise<FileSystemDirectoryHandle> =>
      (await navigator.storage.getDirectory()).getDirectoryHandle(name, { create: true });
    Object.assign(window, { showDirectoryPicker: pick });
  }, PICKED);
}

/** Names and SHA-256 of what lies in a folder of the picked one; null where there is none. */
export function pickedFiles(page: Page, folder: string): Promise<Record<string, string> | null> {
  return page.evaluate(
    async ([root, name]) => {
      const opfs = await navigator.storage.getDirectory();
      const picked = await opfs.getDirectoryHandle(root!, { create: true });
      const own = await picked.getDirectoryHandle(name!).catch(() => null);
      if (!own) return null;
      const found: Record<string, string> = {};
      for await (const [entry, handle] of own.entries()) {
        if (handle.kind !== 'file') continue;
        const digest = await crypto.subtle.digest('SHA-256', await (await handle.getFile()).arrayBuffer());
        found[entry] = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
      }
      return found;
    },
    [PICKED, folder],
  );
}

/** Removes the picked folder, as a person may at any time. */
export function removePicked(page: Page): Promise<void> {
  return page.evaluate(async (name) => {
    const root = await navigator.storage.getDirectory();
    await root.removeEntry(name, { recursive: true }).catch(() => undefined);
  }, PICKED);
}
