// What every command that shows or drives the page needs first.

import { ensureBuild } from './build.mjs';
import { ensureBrowser } from './installBrowser.mjs';
import { ensurePackages } from './packages.mjs';

/**
 * Installs packages and a browser where they are missing, and builds.
 * @param {'page' | 'verify'} [build] which pages
 * @returns {Promise<string>} path of the browser
 */
export async function preparePage(build) {
  await ensurePackages();
  const browser = await ensureBrowser();
  await ensureBuild(build);
  return browser;
}
