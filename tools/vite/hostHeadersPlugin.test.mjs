import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'vite';
import { expect, test } from 'vitest';
import { securityHeaders, securityHeadersOf } from '../launcher/headers.mjs';
import { hostHeaders, hostHeadersPlugin } from './hostHeadersPlugin.mjs';

const REWARD = 'assets/userReward.worker-AbC_12-x.js';
const DOWNLOAD = 'assets/download.worker-AbC_12-x.js';
const FILES = [
  'index.html',
  'favicon.svg',
  'assets/index-12345678.js',
  REWARD,
  'demo/model/config.json',
  'demo/a.json',
  'hub.json',
  DOWNLOAD,
];

/** The rules of a headers file that fit a path, as such a host reads them. */
function matching(text, path) {
  const blocks = text.trimEnd().split('\n\n');
  return blocks.flatMap((block) => {
    const [pattern, ...lines] = block.split('\n');
    const fits = pattern.endsWith('*') ? path.startsWith(pattern.slice(0, -1)) : path === pattern;
    return fits
      ? [
          Object.fromEntries(
            lines.map((line) =>
              line
                .trim()
                .split(/: (.*)/)
                .slice(0, 2),
            ),
          ),
        ]
      : [];
  });
}

test('every file of a build gets all of its security headers from a host that reads _headers, each from one rule', () => {
  const text = hostHeaders(FILES);
  for (const path of ['/', ...FILES.map((file) => `/${file}`)]) {
    const rules = matching(text, path);
    const names = rules.flatMap((headers) => Object.keys(headers));
    expect(names.length, path).toBe(new Set(names).size);
    expect(Object.assign({}, ...rules), path).toMatchObject(securityHeadersOf(path));
  }
});

test("the script that runs a user's reward gets its own policy, and other scripts do not", () => {
  const policyOf = (path) => Object.assign({}, ...matching(hostHeaders(FILES), path))['Content-Security-Policy'];
  expect(policyOf(`/${REWARD}`)).toBe("default-src 'none'; script-src 'unsafe-eval'");
  expect(policyOf('/assets/index-12345678.js')).toBe(securityHeaders['Content-Security-Policy']);
});

test('the file keeps to the limits of such hosts: 100 rules, 2,000 characters a line', () => {
  const pictures = Array.from({ length: 200 }, (_, i) => `demo/data/images/${i}.png`);
  const lines = hostHeaders([...FILES, ...pictures]).split('\n');
  expect(lines.filter((line) => line.startsWith('/')).length).toBeLessThan(100);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(2000);
});

/** Builds a page whose script is `script`; resolves with its `_headers`. */
async function buildPage(script) {
  const root = await mkdtemp(join(tmpdir(), 'lorikeet-headers-'));
  try {
    await mkdir(join(root, 'public'));
    await writeFile(join(root, 'public', 'of-public.txt'), '');
    await writeFile(join(root, 'index.html'), '<script type="module" src="./main.js"></script>');
    await writeFile(join(root, 'main.js'), script);
    await writeFile(join(root, 'worker.js'), 'postMessage(1)');
    await build({ root, configFile: false, logLevel: 'silent', plugins: [hostHeadersPlugin()] });
    return await readFile(join(root, 'dist', '_headers'), 'utf8');
  } finally {
    await rm(root, { recursive: true });
  }
}

test('a build leaves the headers of its scripts, workers and public files', async () => {
  const text = await buildPage("new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });");
  for (const file of [/^\/assets\/index-.*\.js$/m, /^\/assets\/worker-.*\.js$/m, /^\/of-public\.txt$/m]) {
    expect(text).toMatch(file);
  }
});

test('a build that fails says why', async () => {
  await expect(buildPage("import './nowhere.js';")).rejects.toThrow('nowhere.js');
});
