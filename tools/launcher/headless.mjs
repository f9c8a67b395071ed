// A Chromium with WebGPU and a fresh profile, driven by Playwright. Needs the npm packages.

import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { webgpuArgs } from './browser.mjs';
import { Failure } from './failure.mjs';
import { THIS_MACHINE } from './machine.mjs';
import { isProcessAlive } from './processes.mjs';

const CRASH_ADVICE =
  'Usually memory ran out: close other programs, use a smaller batch or shorter completions, and start again.';

/** Says why the browser did not start. Its own words are somewhere in Playwright's long message. */
function startFailure(executablePath, text) {
  if (/No usable sandbox|sandbox.*not (?:available|configured)/i.test(text)) {
    return new Failure(
      `${executablePath} has no sandbox to run in.`,
      'Install it (Debian: sudo apt-get install chromium-sandbox) or allow unprivileged user namespaces.',
    );
  }
  return new Failure(
    `${executablePath} did not start: ${text.split('\n')[0]}`,
    'Another browser can be named in LORIKEET_BROWSER; --headed needs a display.',
  );
}

async function launch(profile, { executablePath, adapter, headed }) {
  const { chromium } = await import('playwright');
  try {
    return await chromium.launchPersistentContext(profile, {
      executablePath,
      headless: !headed,
      args: webgpuArgs(adapter),
      chromiumSandbox: !THIS_MACHINE.isRoot,
      viewport: { width: 1440, height: 1000 },
      // Ctrl-C is the caller's: the page must live on to save.
      handleSIGINT: false,
      handleSIGTERM: false,
      handleSIGHUP: false,
    });
  } catch (error) {
    throw startFailure(executablePath, error.message);
  }
}

/** A promise that never resolves and rejects when the tab or the browser dies. */
function watchForCrash(context, page) {
  const failed = new Promise((_, reject) => {
    page.on('crash', () => reject(new Failure('the tab crashed.', CRASH_ADVICE)));
    context.on('close', () => reject(new Failure('the browser closed before the work was done.', CRASH_ADVICE)));
  });
  // Nobody may be waiting at the time, and closing on purpose rejects too.
  failed.catch(() => {});
  return failed;
}

/** A profile's folder is named after the process that made it, so that what a killed one left can be told. */
const PROFILE = /^lorikeet-profile-(\d+)-/;

const removeProfile = (path) => rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });

async function removeForsakenProfiles() {
  const names = (await readdir(tmpdir())).filter((name) => {
    const owner = PROFILE.exec(name);
    return owner !== null && !isProcessAlive(Number(owner[1]));
  });
  // One of another user stays; it is in nobody's way.
  await Promise.allSettled(names.map((name) => removeProfile(join(tmpdir(), name))));
}

/**
 * Opens a browser with one blank page.
 * @param {{executablePath: string, adapter: 'gpu' | 'software', headed?: boolean, profile?: string}} options
 *   `profile`: a folder that keeps what the page stores; left out: a new one, gone at the end
 * @returns {Promise<{page: import('playwright').Page, failed: Promise<never>, close: () => Promise<void>,
 *   isAlive: () => boolean}>}
 *   `failed` rejects when the tab or the browser dies
 * @throws Failure when the browser does not start
 */
export async function openHeadless(options) {
  await removeForsakenProfiles();
  const profile = options.profile ?? (await mkdtemp(join(tmpdir(), `lorikeet-profile-${process.pid}-`)));
  const forget = async () => {
    if (options.profile === undefined) await removeProfile(profile);
  };
  try {
    const context = await launch(profile, options);
    const page = context.pages()[0] ?? (await context.newPage());
    const failed = watchForCrash(context, page);
    const close = async () => {
      await context.close().catch(() => {});
      await forget();
    };
    let alive = true;
    failed.catch(() => (alive = false));
    return { page, failed, close, isAlive: () => alive };
  } catch (error) {
    await forget();
    throw error;
  }
}
