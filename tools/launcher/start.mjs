// `npm start`: builds, serves on one fixed port and opens the page. One port, because the browser keeps a person's
// data by origin, and another port is another origin.

import { BROWSER_NEEDED } from '../../src/base/minimumBrowser.mjs';
import { readInteger } from './arguments.mjs';
import { findBrowser } from './browser.mjs';
import { DIST, ensureBuild } from './build.mjs';
import { Failure } from './failure.mjs';
import { hubHostOption, readHubHost } from './hubHost.mjs';
import { ensureBrowser } from './installBrowser.mjs';
import { hasDisplay, openPage } from './openPage.mjs';
import { ensurePackages } from './packages.mjs';
import { IDENTITY, IDENTITY_PATH, startServer } from './server.mjs';

const PORT = 5175;

export const options = {
  port: { type: 'string', value: 'N', about: `port to serve on (default ${PORT}); your data is kept per port` },
  'hub-host': hubHostOption,
  'no-open': { type: 'boolean', about: 'only serve' },
};

/** Whether the program that answers on `origin` is a Lorikeet server. */
async function isOurs(origin) {
  try {
    const response = await fetch(origin + IDENTITY_PATH, { signal: AbortSignal.timeout(3000) });
    return (await response.json()).app === IDENTITY.app;
  } catch {
    return false;
  }
}

/**
 * Starts the server, or returns null when one of ours already serves this port.
 * @param {number} port @param {import('./hubHost.mjs').Hub} [hub] that only a new server can be told of
 * @throws Failure when the port is another program's or needs root, or when the hub would be ignored
 */
export async function serveOrJoin(port, hub) {
  try {
    return await startServer({ root: DIST, port, hub });
  } catch (error) {
    if (error.code === 'EACCES') throw new Failure(`port ${port} needs root.`, 'Choose one above 1023 with --port N.');
    if (error.code !== 'EADDRINUSE') throw error;
    if (await isOurs(`http://localhost:${port}`)) {
      if (hub === undefined) return null;
      throw new Failure(
        `Lorikeet already runs on port ${port}, and --hub-host says nothing to a server that runs.`,
        'Stop it there with Ctrl-C, then start it with --hub-host; or leave --hub-host out.',
      );
    }
    throw new Failure(
      `another program uses port ${port}.`,
      `Stop it, or choose a port: npm start -- --port ${port + 10} (the page keeps its data per port).`,
    );
  }
}

/** A browser to open the page with; null leaves it to the system's opener. */
async function browserToOpen() {
  return findBrowser() ?? ensureBrowser().catch(() => null);
}

async function show(url, wanted) {
  if (!wanted) return;
  if (!hasDisplay()) {
    process.stdout.write('There is no display here. `npm run train` does the same without a screen.\n');
    return;
  }
  const opened = await openPage(url, await browserToOpen()).catch(() => false);
  process.stdout.write(opened ? 'Opened it in a browser window.\n' : `Open this address in ${BROWSER_NEEDED}.\n`);
}

function untilStopped() {
  return new Promise((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
  });
}

/**
 * @param {{port?: string, 'hub-host'?: string, 'no-open'?: boolean}} flags
 * @returns {Promise<number>} exit code, after Ctrl-C
 */
export async function run(flags) {
  const port = flags.port === undefined ? PORT : readInteger('port', flags.port, 1, 65535);
  const hub = flags['hub-host'] === undefined ? undefined : readHubHost(flags['hub-host']);
  await ensurePackages();
  await ensureBuild();
  const server = await serveOrJoin(port, hub);
  const url = `http://localhost:${port}/`;
  process.stdout.write(server === null ? `Lorikeet already runs at ${url}\n` : `Lorikeet is at ${url}\n`);
  await show(url, !flags['no-open']);
  if (server === null) return 0;
  process.stdout.write('Serving until Ctrl-C.\n');
  await untilStopped();
  await server.close();
  process.stdout.write('\nStopped.\n');
  return 0;
}
