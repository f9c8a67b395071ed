// A page whose trainer worker is watched and can be hurt from inside the page, in a browser whose profile outlives it.
// The faults are real: a terminated worker, a closed tab, a killed browser, a crashed GPU process.

import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type BrowserContext, type Page } from 'playwright';
import { findBrowser, webgpuArgs } from '../../tools/launcher/browser.mjs';
import type { RunEvent, TrainerRequest } from '../../src/protocol/messages';

/** What a browser context needs to survive GPU crashes, one after another. */
const CRASH_ARGS = ['--disable-gpu-process-crash-limit', '--disable-domain-blocking-for-3d-apis'];

interface WatchedWindow {
  trainer?: Worker;
  hear(event: RunEvent, place: string | null): void;
  /** Set by the test: ends the worker, in the page's own task, when the event comes. */
  terminateAt?: string | null;
}

/** Runs in the page before its own scripts: keeps hold of the trainer worker and passes its events on. */
function watchTrainer(): void {
  const watched = window as unknown as WatchedWindow;
  const Real = window.Worker;
  window.Worker = class extends Real {
    constructor(url: string | URL, options?: WorkerOptions) {
      super(url, options);
      if (options?.name !== 'trainer') return;
      watched.trainer = this;
      this.addEventListener('message', ({ data }: MessageEvent<{ type: string; event: RunEvent }>) => {
        if (data.type !== 'event') return;
        const { event } = data;
        const place = event.type === 'progress' ? `${event.stage}/${event.step}/${event.phase}` : null;
        if (place !== null && place === watched.terminateAt) {
          watched.terminateAt = null;
          this.terminate();
        }
        watched.hear(event, place);
      });
    }
  };
}

export interface CrashBrowser {
  page(): Page;
  /** Every event of the trainer, as it comes; a progress report with the name of its place in the run. */
  onEvent: ((event: RunEvent, place: string | null) => void) | null;
  /** Asks the trainer. */
  post(request: TrainerRequest): Promise<void>;
  /** Ends the worker when it says that it is at this place. */
  terminateAt(place: string): Promise<void>;
  /** A new document of the same tab, or a new tab. */
  reload(): Promise<void>;
  closeTab(): Promise<void>;
  /** SIGKILL of every process of this browser, then a new one on the same profile. */
  kill(): Promise<void>;
  crashGpu(): Promise<void>;
  close(): Promise<void>;
}

function killProfile(profile: string): void {
  const pids = execFileSync('ps', ['-eo', 'pid,args'], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(`--user-data-dir=${profile}`))
    .map((line) => Number(line.trim().split(' ')[0]));
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // Gone already: a killed parent takes its children along.
    }
  }
}

/** Opens a browser on `origin` whose storage survives everything that the test does to it. */
export async function openCrashBrowser(origin: string): Promise<CrashBrowser> {
  const executablePath = findBrowser();
  if (executablePath === null) throw new Error('no Chrome or Chromium here; npm test installs one');
  const profile = await mkdtemp(join(tmpdir(), 'lorikeet-crash-'));
  let context: BrowserContext;
  let page: Page;
  const launch = async (): Promise<void> => {
    context = await chromium.launchPersistentContext(profile, {
      executablePath,
      headless: true,
      args: [...webgpuArgs('software'), ...CRASH_ARGS],
      chromiumSandbox: process.getuid?.() !== 0,
    });
    await context.exposeBinding('hear', (_, event: RunEvent, place: string | null) => api.onEvent?.(event, place));
    await context.addInitScript(watchTrainer);
    page = context.pages()[0] ?? (await context.newPage());
  };
  const open = async (): Promise<void> => {
    await page.goto(`${origin}/`);
    // The demo's data is there once the page has imported or found it.
    await page.locator('section.setupCard:has(#card2) .cardLine', { hasText: /rows to train/ }).waitFor();
  };
  const api: CrashBrowser = {
    page: () => page,
    onEvent: null,
    post: (request) =>
      page.evaluate((message) => (window as unknown as WatchedWindow).trainer!.postMessage(message), request),
    terminateAt: (place) =>
      page.evaluate((name) => {
        (window as unknown as WatchedWindow).terminateAt = name;
      }, place),
    reload: open,
    closeTab: async () => {
      const old = page;
      page = await context.newPage();
      await old.close();
      await open();
    },
    kill: async () => {
      killProfile(profile);
      await context.close().catch(() => undefined);
      await launch();
      await open();
    },
    crashGpu: async () => {
      const browser = await context.browser()?.newBrowserCDPSession();
      await browser?.send('Browser.crashGpuProcess');
    },
    close: async () => {
      await context.close().catch(() => undefined);
      await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
  await launch();
  await open();
  return api;
}
