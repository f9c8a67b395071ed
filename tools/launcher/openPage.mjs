// Shows an address in a browser window, if this machine has a screen.

import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { chooseAdapter } from './adapter.mjs';
import { findProgram, webgpuArgs } from './browser.mjs';
import { pathsOf, THIS_MACHINE } from './machine.mjs';

/** Whether there is a screen to open a window on. */
export function hasDisplay({ platform, env } = THIS_MACHINE) {
  if (platform === 'win32' || platform === 'darwin') return true;
  return Boolean(env.DISPLAY || env.WAYLAND_DISPLAY);
}

/**
 * Where the window's profile is, which holds a person's data: where the system wants a program's own data.
 * @returns {string} absolute path
 */
export function profileFolder(machine = THIS_MACHINE) {
  const { platform, env, home } = machine;
  const { join } = pathsOf(machine);
  if (platform === 'win32') {
    return join(env.LOCALAPPDATA ?? join(home, 'AppData', 'Local'), 'Lorikeet', 'browser-profile');
  }
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', 'Lorikeet', 'browser-profile');
  return join(env.XDG_DATA_HOME || join(home, '.local', 'share'), 'lorikeet', 'browser-profile');
}

/**
 * The command by which the system opens an address in the browser that its user has chosen; null when there is none.
 * @param {string} url @returns {string[] | null} program and arguments
 */
export function openerOf(url, machine = THIS_MACHINE) {
  // `start` is a word of cmd.exe, which would read signs in the address its own way.
  if (machine.platform === 'win32') {
    const program = findProgram(['rundll32'], machine);
    return program && [program, 'url.dll,FileProtocolHandler', url];
  }
  const program = findProgram([machine.platform === 'darwin' ? 'open' : 'xdg-open'], machine);
  return program && [program, url];
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
 * The adapter that the window asks for. On Windows and macOS the GPU is there for every page, and what keeps a headless
 * probe from it says nothing of the window: there nothing but the GPU is asked for.
 * @param {() => Promise<'gpu' | 'software'>} probe tries what a page gets
 */
export function windowAdapter(probe, { platform } = THIS_MACHINE) {
  return platform === 'win32' || platform === 'darwin' ? 'gpu' : probe();
}

/**
 * Opens `url` in `browser` with WebGPU switched on, or with the system's own opener when there is no browser.
 * @param {string} url @param {string | null} browser path
 * @returns {Promise<boolean>} whether something was started
 */
export async function openPage(url, browser) {
  if (browser === null) {
    const opener = openerOf(url);
    return opener !== null && startDetached(opener[0], opener.slice(1));
  }
  const args = webgpuArgs(await windowAdapter(() => chooseAdapter(browser, new URL(url).origin)));
  // Chrome takes WebGPU flags only when it starts, so the page gets a profile, and with it a process, of its own.
  const profile = profileFolder();
  mkdirSync(profile, { recursive: true });
  return startDetached(browser, [...args, `--user-data-dir=${profile}`, url]);
}
