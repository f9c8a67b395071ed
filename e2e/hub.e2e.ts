// Models from the hub in the built page and real Chromium: fetched, resumed, shared by two tabs, refused; and that
// nothing but the download worker ever reaches another host.

import { createHash } from 'node:crypto';
import type { Page } from 'playwright';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { longTest } from '../src/base/testing/longTest';
import { startTestHub, type TestHub } from '../src/hub/testing/hubServer';
import { demoRepository } from '../src/hub/testing/modelFiles';
import { violations } from './axe';
import { beginAtHub, chooseHub, fileRequests, filesOf, lookUp, openHubApp, stored } from './hubPage';
import { storedSha256, waitWhole } from './hubPage';
import { expectRunThroughReload } from './hubRun';
import type { App } from './openApp';
import { card, cardSays, openPage } from './pageDriver';

const ID = 'Lorikeet/demo';
const WEIGHTS = 'model.safetensors';
const CARD = {
  license: 'other',
  license_name: 'qwen-research',
  license_link: 'https://huggingface.co/Qwen/Qwen2.5-VL-3B-Instruct/blob/main/LICENSE',
};

let hub: TestHub;
let app: App;
let hash: string;

beforeAll(async () => {
  ({ hub, app } = await openHubApp(ID, CARD));
  hash = createHash('sha256').update(hub.files[WEIGHTS]!).digest('hex');
});

beforeEach(() => beginAtHub(app, hub));

afterAll(async () => {
  await app.close();
  await hub.close();
});

async function fetchIt(page: Page = app.page): Promise<void> {
  await lookUp(page, ID);
  await page.locator('#hub-fetch').click();
}

/** Holds back the file server's bodies; returns what lets them go. */
function hold(): () => void {
  let release = (): void => undefined;
  hub.gate = new Promise((resolve) => {
    release = () => {
      hub.gate = null;
      resolve();
    };
  });
  return release;
}

const ranges = Math.ceil(demoRepository()[WEIGHTS]!.length / (256 * 1024));

test('nothing is asked of the hub before one presses; then the model is looked up, fetched, used, checked and deleted', async () => {
  const { page } = app;
  expect(hub.seen).toEqual([]);
  expect(page.workers().some((worker) => worker.url().includes('download'))).toBe(false);
  await lookUp(page, ID);
  await page.locator('.hubTask[data-state="found"]').waitFor();
  expect(await page.locator('.hubTask').innerText()).toMatch(/qwen-research, non-commercial: read its terms/);
  expect(fileRequests(hub)).toBe(0);
  await page.locator('#hub-fetch', { hasText: /Download 2\.\d MB/ }).click();
  await waitWhole(page, ID);
  await cardSays(page, 1, 'Lorikeet/demo, stored in this browser');
  await page.locator('#start:not([disabled])').waitFor();
  expect(await storedSha256(page, hash)).toBe(hash);
  expect(fileRequests(hub)).toBe(ranges);
  expect(new Set(hub.seen.map(({ method }) => method))).toEqual(new Set(['GET']));
  // Behind a redirect to another origin a browser no longer says where the request comes from.
  expect(new Set(hub.seen.map(({ at, origin }) => `${at} ${origin}`))).toEqual(
    new Set([`hub ${app.origin}`, 'files null']),
  );
  await page.locator('.facts', { hasText: /no data sent, \d+ requests/ }).waitFor();
  const check = await card(page, 4).innerText();
  for (const origin of [hub.endpoint, hub.fileServer]) expect(check).toContain(`${new URL(origin).host}: `);
  expect(await violations(page, '.setupCard')).toEqual([]);

  await stored(page, ID).locator('button', { hasText: 'Check' }).click();
  await stored(page, ID).locator('text=Every file has the hash').waitFor();
  await stored(page, ID).locator('button', { hasText: 'Delete' }).click();
  await page.locator('#confirm-delete-model').click();
  await expect.poll(() => page.locator('.storedModel').count()).toBe(0);
  expect(await filesOf(page)).toEqual({});
  expect(app.errors).toEqual([]);
});

test('page, trainer and data worker cannot reach the hub, and the download worker reaches nothing else', async () => {
  const { page } = app;
  const canary = await startTestHub('a/b', {});
  try {
    await fetchIt();
    await waitWhole(page, ID);
    const before = hub.seen.length;
    const reach = (url: string): Promise<string> =>
      fetch(url).then(
        () => 'reached',
        () => 'refused',
      );
    // The hub answers every origin, so only a policy can refuse. The page's own origin first: the probe itself works.
    expect(await page.evaluate(reach, `${app.origin}/hub.json`)).toBe('reached');
    for (const origin of [hub.endpoint, hub.fileServer, canary.endpoint]) {
      expect(await page.evaluate(reach, origin)).toBe('refused');
      for (const name of ['trainer', 'data', 'rewardEncoder']) {
        const worker = page.workers().find((one) => one.url().includes(`/${name}.worker-`))!;
        expect(await worker.evaluate(reach, `${app.origin}/hub.json`), name).toBe('reached');
        expect(await worker.evaluate(reach, origin), name).toBe('refused');
      }
    }
    expect(hub.seen.length).toBe(before);
    const download = page.workers().find((one) => one.url().includes('/download.worker-'))!;
    expect(await download.evaluate(reach, `${hub.fileServer}/files/${WEIGHTS}`)).toBe('reached');
    expect(await download.evaluate(reach, canary.endpoint)).toBe('refused');
    expect(canary.seen).toEqual([]);
  } finally {
    await canary.close();
  }
});

test('a download goes on after a pause, and after a reload that cut it, with what had arrived', async () => {
  const { page } = app;
  hub.fault = (name, count) => (name === WEIGHTS && count >= 4 ? { kind: 'stall', after: 1000 } : null);
  const release = hold();
  await fetchIt();
  await page.locator('.hubTask[data-state="fetching"]').waitFor();
  await expect.poll(() => fileRequests(hub)).toBeGreaterThan(0);
  release();
  await expect.poll(() => fileRequests(hub)).toBeGreaterThan(4);
  await page.locator('#hub-pause').click();
  await page.locator('[data-state="paused"]').waitFor();
  hub.fault = () => null;
  const paused = fileRequests(hub);
  expect(Object.keys(await filesOf(page))).toContain(`${hash}.part`);
  expect(Object.keys(await filesOf(page))).not.toContain(hash);
  hold();
  await page.locator('#hub-go-on').click();
  await expect.poll(() => fileRequests(hub)).toBeGreaterThan(paused);
  await page.reload();
  hub.gate = null;
  await chooseHub(page);
  const before = hub.seen.length;
  await stored(page, ID).locator('button', { hasText: 'Go on' }).click();
  await waitWhole(page, ID);
  expect(await storedSha256(page, hash)).toBe(hash);
  // Three ranges had arrived whole before the pause; of the rest, nothing before the reload.
  const asked = hub.seen
    .slice(before)
    .flatMap(({ at, range }) => (at === 'files' && /bytes=(\d+)-(\d+)/.exec(range ?? '')?.slice(1)) || []);
  const bytes = asked.reduce((sum, word, i) => sum + (i % 2 === 1 ? Number(word) + 1 : -Number(word)), 0);
  expect(bytes).toBeLessThanOrEqual(hub.files[WEIGHTS]!.length - 3 * 256 * 1024);
  expect(bytes).toBeGreaterThan(0);
});

test('cut, short, wrong, changed, whole, out of range, busy, expired: the cache holds the right bytes, or none', async () => {
  const { page } = app;
  const faults = [
    { kind: 'cut', after: 5000 },
    { kind: 'stall', after: 5000 },
    { kind: 'short', after: 5000 },
    { kind: 'etag', value: '0'.repeat(64) },
    { kind: 'status', status: 416 },
    { kind: 'status', status: 429, headers: { 'Retry-After': '1' } },
    { kind: 'status', status: 403 },
    { kind: 'otherRange' },
  ] as const;
  hub.fault = (name, count) => (name === WEIGHTS ? (faults[count - 1] ?? null) : null);
  await fetchIt();
  await waitWhole(page, ID);
  expect(await storedSha256(page, hash)).toBe(hash);
  expect(fileRequests(hub)).toBe(ranges + faults.length);
});

test('a wrong byte never becomes a stored model; a server without ranges still gives one', async () => {
  const { page } = app;
  hub.fault = (name) => (name === WEIGHTS ? { kind: 'wrongByte', at: 1_000_000 } : null);
  await fetchIt();
  await page.locator('.problemText[data-code="hub.hash"]').waitFor();
  expect(await storedSha256(page, hash)).toBe(null);
  await cardSays(page, 1, 'not stored here yet');
  hub.fault = (name) => (name === WEIGHTS ? { kind: 'whole' } : null);
  await page.locator('#hub-go-on').click();
  await waitWhole(page, ID);
  expect(await storedSha256(page, hash)).toBe(hash);
});

test('two tabs that want one model fetch it once; when the first is gone, the second goes on', async () => {
  const page = await app.page.context().newPage();
  const other = app.page;
  await openPage(page, app.origin);
  await chooseHub(page);
  hold();
  await fetchIt(page);
  await expect.poll(() => fileRequests(hub)).toBeGreaterThan(0);
  await fetchIt(other);
  await other.locator('.hubTask[data-state="fetching"]').waitFor();
  const before = fileRequests(hub);
  const hubRequests = hub.seen.length;
  await page.close();
  hub.gate = null;
  await waitWhole(other, ID);
  expect(await storedSha256(other, hash)).toBe(hash);
  expect(fileRequests(hub) - before).toBeLessThanOrEqual(ranges);
  expect(hub.seen.length).toBeGreaterThan(hubRequests);
  await other.locator('.storedModel button', { hasText: 'Delete' }).click();
  await other.locator('#confirm-delete-model').click();
  await expect.poll(() => other.locator('.storedModel').count()).toBe(0);

  const third = await app.page.context().newPage();
  await openPage(third, app.origin);
  await chooseHub(third);
  const release = hold();
  const start = fileRequests(hub);
  await fetchIt(other);
  await expect.poll(() => fileRequests(hub)).toBeGreaterThan(start);
  await fetchIt(third);
  await third.locator('.hubTask[data-state="fetching"]').waitFor();
  release();
  await Promise.all([waitWhole(other, ID), waitWhole(third, ID)]);
  expect(fileRequests(hub) - start).toBe(ranges);
  await third.close();
});

test('a full disk is said, what has arrived is kept, and the download goes on once there is room', async () => {
  const { page } = app;
  const session = await page.context().newCDPSession(page);
  const { usage } = await page.evaluate(() => navigator.storage.estimate());
  const quota = (quotaSize?: number) =>
    session.send('Storage.overrideQuotaForOrigin', { origin: app.origin, quotaSize });
  const release = hold();
  await fetchIt();
  await expect.poll(() => fileRequests(hub)).toBeGreaterThan(0);
  await quota((usage ?? 0) + 1_000_000);
  release();
  const problem = page.locator('.problemText[data-code="storage.quota"]');
  await problem.waitFor();
  expect(await problem.innerText()).toContain('Free disk space');
  expect(await storedSha256(page, hash)).toBe(null);
  await quota();
  await page.locator('#hub-go-on').click();
  await waitWhole(page, ID);
  expect(await storedSha256(page, hash)).toBe(hash);
});

test('a model that has no room here is refused before a byte is fetched, and the other way is named', async () => {
  hub.claimed[WEIGHTS] = 1e15;
  await fetchIt();
  const problem = app.page.locator('.problemText[data-code="hub.room"]');
  await problem.waitFor();
  expect(await problem.innerText()).toContain(`hf download ${ID}`);
  expect(fileRequests(hub)).toBe(0);
});

test.each([
  ['GatedRepo', 401, 'hub.gated', /asked for access/],
  ['RepoNotFound', 401, 'hub.missing', /no such model/],
])('%s is explained before anything is fetched', async (code, status, expected, text) => {
  hub.refusals['/api/models/'] = { status, headers: { 'X-Error-Code': code } };
  await lookUp(app.page, ID);
  const problem = app.page.locator(`.problemText[data-code="${expected}"]`);
  await problem.waitFor();
  expect(await problem.innerText()).toMatch(text);
  expect(fileRequests(hub)).toBe(0);
});

test('what is no name of a model, quantized, or another architecture is refused without a request for weights', async () => {
  const { page } = app;
  await lookUp(page, 'demo');
  await page.locator('.problemText[data-code="hub.address"]').waitFor();
  expect(hub.seen).toEqual([]);
  const config = JSON.parse(hub.files['config.json']!.toString()) as object;
  hub.files['config.json'] = Buffer.from(JSON.stringify({ ...config, quantization_config: { quant_method: 'gptq' } }));
  await lookUp(page, ID);
  await page.locator('.problemText[data-code="hub.quantized"]', { hasText: 'gptq' }).waitFor();
  hub.files['config.json'] = Buffer.from(JSON.stringify({ ...config, model_type: 'llama', architectures: ['Llama'] }));
  await lookUp(page, ID);
  await page.locator('.problemText[data-code="config.architecture"]').waitFor();
  expect(fileRequests(hub)).toBe(0);
});

longTest('a run on a stored model trains, and goes on after a reload without a folder being picked', async () => {
  const { page } = app;
  await fetchIt();
  await waitWhole(page, ID);
  await expectRunThroughReload(app, hub, page.locator('.resumeRun'));
});
