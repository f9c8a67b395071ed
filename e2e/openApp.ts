// Serves the built pages and opens a browser on them, for end-to-end tests. Asserts nothing itself.

import type { Page } from 'playwright';
import { temporaryFolder } from './dataFolder';
import { PATIENCE } from './pageDriver';
import { REPOSITORY } from './repository';
import { findBrowser } from '../tools/launcher/browser.mjs';
import { openHeadless } from '../tools/launcher/headless.mjs';
import { startServer } from '../tools/launcher/server.mjs';

export interface App {
  origin: string;
  page: Page;
  /** A temporary folder for the test's own files, gone at `close`. */
  folder: string;
  /** Errors of the page and its console, as they come. */
  errors: string[];
  close(): Promise<void>;
}

/**
 * A server on a free port and a Chromium with software WebGPU and a fresh profile; the page is still blank.
 * @param hub another hub than Hugging Face's own
 * @throws when there is no browser; `npm test` installs one
 */
export async function openApp(hub?: Parameters<typeof startServer>[0]['hub']): Promise<App> {
  const executablePath = findBrowser();
  if (executablePath === null) throw new Error('no Chrome or Chromium here; npm test installs one');
  const folder = await temporaryFolder();
  const server = await startServer({ root: `${REPOSITORY}dist`, hub });
  const browser = await openHeadless({ executablePath, adapter: 'software' });
  browser.page.context().setDefaultTimeout(PATIENCE);
  const errors: string[] = [];
  browser.page.on('pageerror', (error) => errors.push(error.message));
  browser.page.on('console', (line) => {
    if (line.type() === 'error') errors.push(line.text());
  });
  const close = async (): Promise<void> => {
    await browser.close();
    await server.close();
    await folder.remove();
  };
  return { origin: server.origin, page: browser.page, folder: folder.path, errors, close };
}
