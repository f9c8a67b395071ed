import { expect, test } from 'vitest';
import { securityHeaders, securityHeadersOf } from './headers.mjs';
import { readHubHost } from './hubHost.mjs';

const WORKER = '/assets/download.worker-AbC_12-x.js';
const policyOf = (path, hosts) => securityHeadersOf(path, hosts)['Content-Security-Policy'];

test('the download worker may reach the hub and its file servers, and every other script may not', () => {
  expect(policyOf(WORKER)).toBe("default-src 'none'; connect-src 'self' https://huggingface.co https://*.hf.co");
  for (const path of ['/', '/assets/trainer.worker-AbC_12-x.js', '/assets/data.worker-AbC_12-x.js', `${WORKER}/x`]) {
    expect(policyOf(path)).toBe(securityHeaders['Content-Security-Policy']);
    expect(policyOf(path)).toContain("connect-src 'self';");
  }
});

test('a mirror is asked in place of the hub, and only the download worker may reach it', () => {
  const { settings, hosts } = readHubHost('https://hf-mirror.com,http://localhost:8080');
  expect(settings).toEqual({ endpoint: 'https://hf-mirror.com' });
  expect(policyOf(WORKER, hosts)).toContain('https://hf-mirror.com https://*.hf-mirror.com http://localhost:8080');
  expect(policyOf('/', hosts)).not.toContain('mirror');
});

test.each(['hf-mirror.com', 'http://hf-mirror.com', 'https://hf-mirror.com/models', 'https://a.b;script-src *', ''])(
  '--hub-host %j is refused by name',
  (word) => expect(() => readHubHost(word)).toThrow(`--hub-host ${word}`),
);
