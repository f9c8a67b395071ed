// The launcher and the served page as a person meets them first.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createServer } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { openApp } from './openApp';
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

/** A port that was free a moment ago. */
async function freePort(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? String(address.port) : '';
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
    expect(app.errors).toEqual([]);
    expect(foreign).toEqual([]);
  } finally {
    await app.close();
  }
});

test('npm start without a display prints the address, names npm run train and keeps serving until Ctrl-C', async () => {
  const port = await freePort();
  const first = launch('start', '--port', port);
  await expect.poll(first.text, { timeout: 60_000 }).toContain('Serving until Ctrl-C');
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
