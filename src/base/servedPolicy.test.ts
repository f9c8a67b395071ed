import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { developmentHeadersOf, securityHeaders, securityHeadersOf } from '../../tools/launcher/headers.mjs';
import {
  allowsConnection,
  deniesAllRequests,
  keepsRequestsInside,
  namesConnections,
  servedPolicy,
} from './servedPolicy';

const PAGE = securityHeaders['Content-Security-Policy'] ?? '';
const REWARD = securityHeadersOf('/assets/userReward.worker-12345678.js')['Content-Security-Policy'] ?? '';

test('our own headers keep requests inside, in development too, and only the reward’s deny all of them', () => {
  expect(keepsRequestsInside(PAGE)).toBe(true);
  expect(keepsRequestsInside(developmentHeadersOf('/')['Content-Security-Policy'] ?? '')).toBe(true);
  expect(deniesAllRequests(PAGE)).toBe(false);
  expect(deniesAllRequests(REWARD)).toBe(true);
});

test.each([
  ['none at all', null],
  ['an empty one', ''],
  ['one that does not speak of requests', "frame-ancestors 'none'"],
  ['one that lets a host in', PAGE.replace("connect-src 'self'", "connect-src 'self' https://example.org")],
  ['one that lets pictures in from anywhere', PAGE.replace("img-src 'self' blob:", 'img-src *')],
  ['one without a word on forms', PAGE.replace("form-action 'none'; ", '')],
  ['one without a default', PAGE.replace("default-src 'none'; ", '')],
])('a policy is no promise when it is %s', (_, header) => {
  expect(keepsRequestsInside(header)).toBe(false);
  expect(deniesAllRequests(header)).toBe(false);
});

test('of two directives of one name the first counts, and of two policies each', () => {
  expect(keepsRequestsInside(`connect-src *; ${PAGE}`)).toBe(false);
  expect(keepsRequestsInside(`default-src *, ${PAGE}`)).toBe(true);
});

test('the policy is asked of the server; one that says nothing has none, one that cannot be asked is named', async () => {
  const server = createServer(({ url }, response) => {
    if (url === '/guarded') response.setHeader('Content-Security-Policy', REWARD);
    if (url === '/missing') response.statusCode = 404;
    // A server that takes the question and never answers.
    if (url !== '/silent') response.end('page');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  expect(await servedPolicy(`${origin}/guarded`)).toBe(REWARD);
  expect(await servedPolicy(`${origin}/bare`)).toBe(null);
  const named = (reason: string) => ({ code: 'server.noAnswer', message: expect.stringContaining(reason) as string });
  await expect(servedPolicy(`${origin}/missing`)).rejects.toMatchObject(named('status 404'));
  await expect(servedPolicy(`${origin}/silent`, 100)).rejects.toMatchObject(named('no answer within 0.1 s'));
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await expect(servedPolicy(`${origin}/guarded`)).rejects.toMatchObject(named(`${origin}/guarded`));
});

const DOWNLOAD = securityHeadersOf('/assets/download.worker-12345678.js')['Content-Security-Policy'] ?? '';

test('the download worker’s policy names its hosts, in development too', () => {
  expect(namesConnections(DOWNLOAD)).toBe(true);
  const development = developmentHeadersOf('/src/worker/download.worker.ts')['Content-Security-Policy'] ?? '';
  expect(namesConnections(development)).toBe(true);
  expect(namesConnections(`connect-src *, ${DOWNLOAD}`)).toBe(true);
  expect(keepsRequestsInside(DOWNLOAD)).toBe(false);
});

test.each([
  ['none', null],
  ['one that is silent on connections', "script-src 'self'"],
  ...['*', 'https:', 'wss:', 'https://*', '*:443', 'https://*:443', '*/'].map((source): [string, string] => [
    `one with ${source}`,
    DOWNLOAD.replace('connect-src', `connect-src ${source}`),
  ]),
  ['one that lets scripts in', `${DOWNLOAD}; script-src https://huggingface.co`],
])('a policy bounds no connection when it is %s', (_, header) => {
  expect(namesConnections(header)).toBe(false);
});

test('a policy is read for the hosts that a worker may connect to', () => {
  const policy = "default-src 'none'; connect-src 'self' https://huggingface.co https://*.hf.co http://localhost:81";
  const page = 'http://localhost:5175';
  const allowed = [page, 'https://huggingface.co', 'https://us.aws.cdn.hf.co', 'http://localhost:81'];
  const refused = ['https://hf.co', 'https://huggingface.co.evil.org', 'http://localhost:82', 'http://huggingface.co'];
  for (const origin of allowed) expect(allowsConnection(policy, origin, page), origin).toBe(true);
  for (const origin of refused) expect(allowsConnection(policy, origin, page), origin).toBe(false);
  expect(allowsConnection(policy, page, 'http://localhost:5176')).toBe(false);
  expect(allowsConnection(null, 'https://huggingface.co', page)).toBe(true);
  expect(allowsConnection(`${policy}, default-src 'self'`, 'https://huggingface.co', page)).toBe(false);
});
