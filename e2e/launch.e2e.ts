// The launcher and the served page as a person meets them first.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { readJson, writeRecipe } from './dataFolder';
import { openApp } from './openApp';
import { card, importRecipe, openPage } from './pageDriver';
import { REPOSITORY } from './repository';

const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

interface Launched {
  child: ChildProcess;
  /** Everything printed so far. */
  text(): string;
  ended: Promise<number | null>;
}

function launch(...args: string[]): Launched {
  const child = spawn(process.execPath, ['tools/run.mjs', ...args], {
    cwd: REPOSITORY,
    env: { ...process.env, DISPLAY: '', WAYLAND_DISPLAY: '' },
  });
  children.push(child);
  let output = '';
  child.stdout.on('data', (part) => (output += part));
  child.stderr.on('data', (part) => (output += part));
  return { child, text: () => output, ended: new Promise((resolve) => child.on('close', resolve)) };
}

/** Below what systems hand out for port 0, so that no other program gets it meanwhile by chance. */
const PORTS = { first: 20_000, count: 10_000 };

/** A port that was free a moment ago. */
async function freePort(): Promise<string> {
  const port = PORTS.first + Math.floor(Math.random() * PORTS.count);
  const server = createServer();
  const free = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => resolve(true));
  });
  await new Promise((resolve) => server.close(resolve));
  return free ? String(port) : freePort();
}

test('the page loads isolated under the security policy, without an error and with nothing sent elsewhere', async () => {
  const app = await openApp();
  try {
    const foreign: string[] = [];
    app.page.on('request', (request) => {
      if (!request.url().startsWith(`${app.origin}/`) && !request.url().startsWith('blob:'))
        foreign.push(request.url());
    });
    await app.page.goto(`${app.origin}/`);
    await app.page.waitForSelector('#root > *');
    expect(await app.page.evaluate(() => [crossOriginIsolated, 'gpu' in navigator])).toEqual([true, true]);
    await app.page.locator('.facts', { hasText: 'sent 0 B' }).waitFor();
    expect(app.errors).toEqual([]);
    expect(foreign).toEqual([]);
  } finally {
    await app.close();
  }
});

test('on a host that sends no security headers the page says so, claims nothing, and own rewards are off', async () => {
  const host = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://host').pathname;
    const file = join(REPOSITORY, 'dist', path === '/' ? 'index.html' : path);
    const type = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.wasm': 'application/wasm' };
    response.setHeader('Content-Type', type[extname(file) as keyof typeof type] ?? 'application/octet-stream');
    createReadStream(file)
      .on('error', () => response.writeHead(404).end())
      .pipe(response);
  });
  await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve));
  const app = await openApp();
  try {
    const { port } = host.address() as AddressInfo;
    await openPage(app.page, `http://localhost:${port}`);
    await app.page.locator('.banner[data-code="server.unguarded"]').waitFor();
    const said = await app.page.locator('body').innerText();
    expect(said).toContain('docs/hosting.md');
    expect(said).toContain('no policy');
    for (const claim of ['sent 0 B', 'stay on this machine']) expect(said).not.toContain(claim);
    await card(app.page, 3).locator('button', { hasText: 'All options' }).click();
    expect(await app.page.locator('button', { hasText: 'Add a reward of your own' }).isDisabled()).toBe(true);
    const recipe = await writeRecipe(app.folder, { sftSteps: 1, grpoSteps: 1 });
    const settings = (await readJson(recipe)) as { grpo: object };
    const own = { name: 'mine', javascript: 'function scoreRow() { return 1; }' };
    const grpo = { ...settings.grpo, reward_funcs: ['format', own], reward_weights: null };
    await writeFile(recipe, JSON.stringify({ ...settings, grpo }));
    await importRecipe(app.page, recipe);
    await app.page.locator('#startObstacle', { hasText: 'Rewards of your own are off' }).waitFor();
    expect(await app.page.locator('#start').isEnabled()).toBe(false);
  } finally {
    await app.close();
    host.close();
    host.closeAllConnections();
  }
});

test('npm start without a display prints the address, names npm run train and keeps serving until Ctrl-C', async () => {
  const port = await freePort();
  const first = launch('start', '--port', port);
  await expect.poll(first.text).toContain('Serving until Ctrl-C');
  expect(first.text()).toContain(`http://localhost:${port}/`);
  expect(first.text()).toContain('npm run train');
  expect((await fetch(`http://localhost:${port}/`)).status).toBe(200);

  const second = launch('start', '--port', port);
  expect(await second.ended).toBe(0);
  expect(second.text()).toContain('already runs');

  first.child.kill('SIGINT');
  expect(await first.ended).toBe(0);
});

test('npm start on a port of another program fails and names --port', async () => {
  const port = await freePort();
  const other = createServer((_, response) => response.end('hello'));
  await new Promise<void>((resolve) => other.listen(Number(port), '127.0.0.1', resolve));
  try {
    const launched = launch('start', '--port', port);
    expect(await launched.ended).toBe(1);
    expect(launched.text()).toContain('--port');
  } finally {
    other.close();
  }
});
