// Shows an address in a browser window, if this machine has a screen.

import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { chooseAdapter } from './adapter.mjs';
import { findProgram, webgpuArgs } from './browser.mjs';

/** Whether there is a screen to open a window on. */
export function hasDisplay() {
  if (process.platform !== 'linux') return true;
  return Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY);
}

/** Chrome takes WebGPU flags only when it starts, so the page gets a profile, and with it a process, of its own. */
function profileFolder() {
  const data = process.env.XDG_DATA_HOME || join(homedir(), '.local', 'share');
  const folder = join(data, 'lorikeet', 'browser-profile');
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** A program that cannot run here says so within this time. */
const EARLY_END_MS = 1500;

/**
 * Starts a program that lives on by itself.
 * @returns {Promise<boolean>} false when it could not be started or failed at once
 */
function startDetached(program, args) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { detached: true, stdio: 'ignore' });
    const timer = setTimeout(() => resolve(true), EARLY_END_MS);
    const settle = (good) => {
      clearTimeout(timer);
      resolve(good);
    };
    child.on('error', () => settle(false));
    // A browser that is already open takes the address over, and this process ends with 0.
    child.on('exit', (code) => settle(code === 0));
    child.unref();
  });
}

/**
 * Opens `url` in `browser` with WebGPU switched on, or with the system's own opener when there is no browser.
 * @param {string} url @param {string | null} browser path
 * @returns {Promise<boolean>} whether something was started
 */
export async function openPage(url, browser) {
  if (browser !== null) {
    const args = webgpuArgs(await chooseAdapter(browser, new URL(url).origin));
    return startDetached(browser, [...args, `--user-data-dir=${profileFolder()}`, url]);
  }
  const opener = findProgram(['xdg-open', 'open']);
  return opener !== null && startDetached(opener, [url]);
}
