// Finds a Chrome or Chromium on this machine and the flags that give it WebGPU. Installs nothing.

import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

const NAMES = ['google-chrome', 'google-chrome-stable', 'chromium', 'chromium-browser', 'chrome'];

const USUAL_PLACES = [
  '/opt/google/chrome/chrome',
  '/usr/lib/chromium/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * The first of `names` that is an executable file in a folder of PATH or in /usr/bin and /usr/local/bin.
 * @param {string[]} names program names
 * @returns {string | null} absolute path
 */
export function findProgram(names) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/bin', '/usr/local/bin'];
  for (const name of names) {
    for (const folder of folders) {
      if (folder && isExecutable(join(folder, name))) return join(folder, name);
    }
  }
  return null;
}

/** The newest Chromium that Playwright downloaded for this user, or null. */
function findPlaywrightDownload() {
  const root = process.env.PLAYWRIGHT_BROWSERS_PATH ?? join(homedir(), '.cache', 'ms-playwright');
  if (!existsSync(root)) return null;
  const revision = (name) => Number(name.split('-')[1]);
  const builds = readdirSync(root).filter((name) => /^chromium-\d+$/.test(name));
  builds.sort((a, b) => revision(b) - revision(a));
  for (const build of builds) {
    for (const folder of ['chrome-linux64', 'chrome-linux']) {
      const path = join(root, build, folder, 'chrome');
      if (isExecutable(path)) return path;
    }
  }
  return null;
}

/**
 * Finds a browser: LORIKEET_BROWSER, then Chrome or Chromium of the system, then Playwright's own download.
 * @returns {string | null} absolute path of the program
 * @throws when LORIKEET_BROWSER is set and is no executable file
 */
export function findBrowser() {
  const wanted = process.env.LORIKEET_BROWSER;
  if (wanted) {
    if (isExecutable(wanted)) return wanted;
    throw new Error(`LORIKEET_BROWSER is ${wanted}, which is not an executable file. Correct it or unset it.`);
  }
  return findProgram(NAMES) ?? USUAL_PLACES.find(isExecutable) ?? findPlaywrightDownload();
}

/** Whether this machine shows signs of a GPU that Chromium could use. */
export function hasGpu() {
  return existsSync('/dev/dri') || findProgram(['nvidia-smi']) !== null;
}

/**
 * Flags for a headless Chromium with WebGPU.
 * @param {'gpu' | 'software'} adapter which adapter the page shall get
 * @returns {string[]}
 */
export function webgpuArgs(adapter) {
  const common = [
    '--enable-unsafe-webgpu',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--no-first-run',
    '--no-default-browser-check',
    '--disable-dev-shm-usage',
    // A hidden page must train at full speed.
    '--disable-background-timer-throttling',
    '--disable-backgrounding-occluded-windows',
    '--disable-renderer-backgrounding',
  ];
  // Chromium refuses to run as root with its sandbox; for anyone else the sandbox stays on.
  if (process.getuid?.() === 0) common.push('--no-sandbox');
  if (adapter === 'gpu') return [...common, '--enable-features=Vulkan', '--ignore-gpu-blocklist'];
  // SwiftShader spends most of a pipeline's compile time on zero-filling workgroup memory.
  return [...common, '--use-webgpu-adapter=swiftshader', '--enable-dawn-features=disable_workgroup_init'];
}
