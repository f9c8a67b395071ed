import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { securityHeaders } from './headers.mjs';
import { IDENTITY_PATH, startServer } from './server.mjs';

const base = mkdtempSync(join(tmpdir(), 'lorikeet-server-'));
let server;

const USER_REWARD = 'userReward.worker-AbC_12-x.js';
const SCRIPTS = [
  'index-AbC_12-x.js',
  USER_REWARD,
  'userReward.worker-AbC_12-x.js.js',
  'xuserReward.worker-AbC_12-x.js',
];

beforeAll(async () => {
  mkdirSync(join(base, 'root', 'assets'), { recursive: true });
  mkdirSync(join(base, 'root-secret'));
  writeFileSync(join(base, 'secret.txt'), 'secret');
  writeFileSync(join(base, 'root-secret', 'a.txt'), 'secret');
  writeFileSync(join(base, 'root', 'index.html'), '<p>page</p>');
  writeFileSync(join(base, 'root', '.hidden'), 'secret');
  for (const name of SCRIPTS) writeFileSync(join(base, 'root', 'assets', name), 'export {}');
  for (const name of ['a.wasm', 'b.onnx', 'c.safetensors', 'd.jsonl']) writeFileSync(join(base, 'root', name), name);
  server = await startServer({ root: join(base, 'root'), mounts: { '/reference/': join(base, 'root-secret') } });
});

afterAll(async () => {
  await server.close();
  rmSync(base, { recursive: true, force: true });
});

/** A request whose path is sent as it is; fetch would normalise it. */
function get(path, { method = 'GET', headers = {} } = {}) {
  return new Promise((resolve, reject) => {
    const call = request({ host: '127.0.0.1', port: server.port, path, method, headers }, (response) => {
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('end', () => {
        resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(parts).toString() });
      });
    });
    call.on('error', reject).end();
  });
}

function missingHeaders(headers) {
  return Object.entries(securityHeaders).filter(([name, value]) => headers[name.toLowerCase()] !== value);
}

test('every kind of answer has all security headers', async () => {
  const etag = (await get('/')).headers.etag;
  const answers = await Promise.all([
    get('/'),
    get('/a.wasm'),
    get('/assets/index-AbC_12-x.js'),
    get('/nothing'),
    get('/%E0%A4%A'),
    get('/', { method: 'POST' }),
    get('/', { method: 'HEAD' }),
    get('/', { headers: { 'if-none-match': etag } }),
    get('/', { headers: { host: 'evil.example' } }),
    get(IDENTITY_PATH),
  ]);
  expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200, 404, 400, 405, 200, 304, 421, 200]);
  expect(answers.flatMap((answer) => missingHeaders(answer.headers))).toEqual([]);
});

test("only the script that runs a user's reward may compile text, and it may reach nothing", async () => {
  const etag = (await get(`/assets/${USER_REWARD}`)).headers.etag;
  const answers = await Promise.all([
    get(`/assets/${USER_REWARD}`),
    get(`/assets/${USER_REWARD}?v=1`),
    get(`/assets/${USER_REWARD}`, { method: 'HEAD' }),
    get(`/assets/${USER_REWARD}`, { headers: { 'if-none-match': etag } }),
  ]);
  expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200, 304]);
  const want = { ...securityHeaders, 'Content-Security-Policy': "default-src 'none'; script-src 'unsafe-eval'" };
  for (const { headers } of answers) {
    for (const [name, value] of Object.entries(want)) expect(headers[name.toLowerCase()], name).toBe(value);
  }
  const others = SCRIPTS.filter((name) => name !== USER_REWARD).map((name) => get(`/assets/${name}`));
  // A path that does not name the built file itself keeps the page's policy, an error page too.
  const paths = [`/${USER_REWARD}`, `/assets//${USER_REWARD}`, '/assets/userReward.worker-12345678.js'].map((path) =>
    get(path),
  );
  for (const answer of await Promise.all([...others, ...paths])) expect(missingHeaders(answer.headers)).toEqual([]);
});

test('an answer to what is not HTTP has the security headers too', async () => {
  const text = await new Promise((resolve) => {
    const socket = connect(server.port, '127.0.0.1', () => socket.write('nonsense\r\n\r\n'));
    const parts = [];
    socket.on('data', (part) => parts.push(part));
    socket.on('close', () => resolve(Buffer.concat(parts).toString()));
  });
  expect(text).toContain('400 Bad Request');
  for (const [name, value] of Object.entries(securityHeaders)) expect(text).toContain(`${name}: ${value}\r\n`);
});

test('types are those that browsers insist on', async () => {
  const type = async (path) => (await get(path)).headers['content-type'];
  expect(await type('/')).toBe('text/html; charset=utf-8');
  expect(await type('/assets/index-AbC_12-x.js')).toBe('text/javascript; charset=utf-8');
  expect(await type('/a.wasm')).toBe('application/wasm');
  expect(await type('/b.onnx')).toBe('application/octet-stream');
  expect(await type('/c.safetensors')).toBe('application/octet-stream');
  expect(await type('/d.jsonl')).toBe('application/jsonl; charset=utf-8');
});

test('nothing outside the served folders is given', async () => {
  const paths = [
    '/../secret.txt',
    '/assets/../../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/..%5csecret.txt',
    '/../root-secret/a.txt',
    '/reference/../secret.txt',
    '/reference//etc/passwd',
    '//etc/passwd',
    '/.hidden',
    '/a.wasm%00.html',
    'http://localhost/../secret.txt',
  ];
  const answers = await Promise.all(paths.map((path) => get(path)));
  expect(answers.filter((answer) => answer.status === 200).map((answer) => answer.body)).toEqual([]);
});

test('a mounted folder is served at its prefix', async () => {
  expect((await get('/reference/a.txt')).body).toBe('secret');
});

test('files with a hash in their name are kept for ever, others are asked for again', async () => {
  expect((await get('/assets/index-AbC_12-x.js')).headers['cache-control']).toContain('immutable');
  expect((await get('/')).headers['cache-control']).toBe('no-cache');
});

test('a second server on the same port fails with the system error', async () => {
  await expect(startServer({ root: base, port: server.port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
});
