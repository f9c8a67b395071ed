// Our side: a page that runs the real loops beside TRL's record, served by Vite from the sources.

import { existsSync, createReadStream } from 'node:fs';
import { resolve, sep } from 'node:path';
import { chooseAdapter } from '../launcher/adapter.mjs';
import { ensureBrowser } from '../launcher/installBrowser.mjs';
import { isolationHeaders } from '../launcher/headers.mjs';
import { openHeadless } from '../launcher/headless.mjs';
import { ensurePackages } from '../launcher/packages.mjs';
import { inRepository } from '../launcher/paths.mjs';

const PREFIX = '/parity/';

/** Serves TRL's folder below /parity/. */
function trlPlugin(folder) {
  return {
    name: 'lorikeet-parity',
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        if (!request.url?.startsWith(PREFIX)) return next();
        const file = resolve(folder, decodeURIComponent(request.url.slice(PREFIX.length)));
        if (file.startsWith(resolve(folder) + sep) && existsSync(file)) return createReadStream(file).pipe(response);
        response.statusCode = 404;
        return response.end(`no such file: ${request.url}`);
      });
    },
  };
}

async function serve(folder) {
  const { createServer } = await import('vite');
  const server = await createServer({
    configFile: false,
    root: inRepository(),
    cacheDir: inRepository('.cache', 'parity', 'vite'),
    plugins: [trlPlugin(folder)],
    worker: { format: 'es' },
    // The page imports no package, and must not reload when a file is saved meanwhile.
    optimizeDeps: { noDiscovery: true },
    server: { port: 5190, hmr: false, watch: null, headers: isolationHeaders },
    logLevel: 'error',
  });
  await server.listen();
  const { port } = server.httpServer.address();
  return { origin: `http://localhost:${port}`, close: () => server.close() };
}

async function follow(page, onRun) {
  let finish;
  const finished = new Promise((done, fail) => (finish = { done, fail }));
  await page.exposeBinding('lorikeetParity', (_, message) => {
    if (message.type === 'run') onRun(message.run);
    if (message.type === 'error') finish.fail(new Error(`${message.error.code}: ${message.error.message}`));
    if (message.type === 'done') finish.done();
  });
  return finished;
}

/**
 * Runs all comparisons.
 * @param {string} folder of TRL's runs @param {boolean} software use software WebGPU even where there is a GPU
 * @param {(run: object) => void} onRun called with each run as it is done
 * @throws what made a run impossible
 */
export async function runPage(folder, software, onRun) {
  await ensurePackages();
  const executablePath = await ensureBrowser();
  const server = await serve(folder);
  try {
    const adapter = software ? 'software' : await chooseAdapter(executablePath, server.origin);
    process.stdout.write(`Our loops in the browser, ${adapter === 'gpu' ? 'on the GPU' : 'software WebGPU'}...\n`);
    const browser = await openHeadless({ executablePath, adapter });
    try {
      // Not awaited before the page is there: it settles when the last run is done.
      const finished = follow(browser.page, onRun);
      finished.catch(() => {});
      browser.page.on('pageerror', (error) => process.stderr.write(`page: ${error.message}\n`));
      await browser.page.goto(`${server.origin}/tools/parity/page.html`);
      await Promise.race([finished, browser.failed]);
    } finally {
      await browser.close();
    }
  } finally {
    await server.close();
  }
}
