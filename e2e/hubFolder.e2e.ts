// Models from the hub in a folder on disk, in the built page and real Chromium: fetched, gone on with after a reload,
// refused by name, trained. Only the picker itself is answered by the test.

import { createHash } from 'node:crypto';
import type { Page } from 'playwright';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { longTest } from '../src/base/testing/longTest';
import type { TestHub } from '../src/hub/testing/hubServer';
import { violations } from './axe';
import { beginAtHub, chooseHub, fileRequests, filesOf, lookUp, openHubApp, PICKED, pickAlways } from './hubPage';
import { pickedFiles, removePicked, stored, waitWhole } from './hubPage';
import { expectRunThroughReload } from './hubRun';
import type { App } from './openApp';
import { cardSays, openPage } from './pageDriver';

const ID = 'Lorikeet/demo';
const FOLDER = 'demo';
const WEIGHTS = 'model.safetensors';
const RANGE = 256 * 1024;

let hub: TestHub;
let app: App;
/** What a whole folder holds. */
let expected: Record<string, string>;

beforeAll(async () => {
  ({ hub, app } = await openHubApp(ID));
  const wanted = Object.entries(hub.files).filter(([name]) => name !== 'README.md' && name !== 'vocab.json');
  expected = Object.fromEntries(
    wanted.map(([name, bytes]) => [name, createHash('sha256').update(bytes).digest('hex')]),
  );
  await pickAlways(app.page);
});

beforeEach(async () => {
  await beginAtHub(app, hub);
  await removePicked(app.page);
});

afterAll(async () => {
  await app.close();
  await hub.close();
});

async function fetchIt(page: Page = app.page): Promise<void> {
  await lookUp(page, ID);
  await page.locator('#hub-fetch-folder').click();
}

test('a model is fetched into a folder, chosen, found after a reload, checked, and forgotten without a file being touched', async () => {
  const { page } = app;
  await fetchIt();
  await waitWhole(page, ID);
  await cardSays(page, 1, `Lorikeet/demo, in the folder ${PICKED}/${FOLDER}`);
  await page.locator('#start:not([disabled])').waitFor();
  expect(await pickedFiles(page, FOLDER)).toEqual(expected);
  expect(await filesOf(page)).toEqual({});
  expect(await violations(page, '.setupCard')).toEqual([]);

  await page.reload();
  await chooseHub(page);
  await stored(page, ID).locator('button', { hasText: 'Use' }).click();
  await cardSays(page, 1, `Lorikeet/demo, in the folder ${PICKED}/${FOLDER}`);
  await stored(page, ID).locator('button', { hasText: 'Check' }).click();
  await stored(page, ID).locator('text=Every file has the hash').waitFor();
  await stored(page, ID).locator('button', { hasText: 'Forget' }).click();
  await page.locator('#confirm-delete-model').click();
  await expect.poll(() => page.locator('.storedModel').count()).toBe(0);
  expect(await pickedFiles(page, FOLDER)).toEqual(expected);

  const before = fileRequests(hub);
  await fetchIt();
  await waitWhole(page, ID);
  expect(fileRequests(hub)).toBe(before);
  expect(app.errors).toEqual([]);
});

test('a download that a reload cut goes on in its folder with what was closed there', async () => {
  const { page } = app;
  let release = (): void => undefined;
  // The first three ranges come; the others are held back.
  hub.fault = (_name, count) => (count > 3 ? { kind: 'stall', after: 1000 } : null);
  await fetchIt();
  await expect.poll(() => fileRequests(hub)).toBeGreaterThan(4);
  await page.locator('#hub-pause').click();
  await page.locator('[data-state="paused"]').waitFor();
  expect(await page.locator('[data-state="paused"]').innerText()).toContain(`in the folder ${PICKED}/${FOLDER}`);
  const partly = Object.keys((await pickedFiles(page, FOLDER))!);
  expect(partly).toContain(`${WEIGHTS}.part`);
  expect(partly).not.toContain(WEIGHTS);
  hub.fault = () => null;
  hub.gate = new Promise((resolve) => (release = resolve));
  const paused = fileRequests(hub);
  await page.locator('#hub-go-on').click();
  await expect.poll(() => fileRequests(hub)).toBeGreaterThan(paused);
  await page.reload();
  release();
  hub.gate = null;
  await chooseHub(page);
  const before = hub.seen.length;
  await stored(page, ID).locator('button', { hasText: 'Go on' }).click();
  await waitWhole(page, ID);
  expect(await pickedFiles(page, FOLDER)).toEqual(expected);
  const asked = hub.seen
    .slice(before)
    .flatMap(({ at, range }) => (at === 'files' && /bytes=(\d+)-(\d+)/.exec(range ?? '')?.slice(1)) || []);
  const bytes = asked.reduce((sum, word, i) => sum + (i % 2 === 1 ? Number(word) + 1 : -Number(word)), 0);
  expect(bytes).toBeLessThanOrEqual(hub.files[WEIGHTS]!.length - 3 * RANGE);
  expect(bytes).toBeGreaterThan(0);
});

test('a wrong byte never gets the file’s name', async () => {
  const { page } = app;
  hub.fault = (name) => (name === WEIGHTS ? { kind: 'wrongByte', at: 1_000_000 } : null);
  await fetchIt();
  await page.locator('.problemText[data-code="hub.hash"]').waitFor();
  expect(Object.keys((await pickedFiles(page, FOLDER))!)).not.toContain(WEIGHTS);
  hub.fault = () => null;
  await page.locator('#hub-go-on').click();
  await waitWhole(page, ID);
  expect(await pickedFiles(page, FOLDER)).toEqual(expected);
});

test('a disk that is full is said, and the download goes on once there is room', async () => {
  const { page } = app;
  const session = await page.context().newCDPSession(page);
  const quota = (quotaSize?: number) =>
    session.send('Storage.overrideQuotaForOrigin', { origin: app.origin, quotaSize });
  let release = (): void => undefined;
  hub.gate = new Promise((resolve) => (release = resolve));
  await fetchIt();
  await expect.poll(() => fileRequests(hub)).toBeGreaterThan(0);
  const { usage } = await page.evaluate(() => navigator.storage.estimate());
  await quota((usage ?? 0) + 1_000_000);
  release();
  hub.gate = null;
  const problem = page.locator('.problemText[data-code="folder.full"]');
  await problem.waitFor();
  expect(await problem.innerText()).toContain('Free disk space');
  expect(Object.keys((await pickedFiles(page, FOLDER))!)).not.toContain(WEIGHTS);
  await quota();
  await page.locator('#hub-go-on').click();
  await waitWhole(page, ID);
  expect(await pickedFiles(page, FOLDER)).toEqual(expected);
});

test('where this browser has no room, the folder is offered first, and after a refusal again', async () => {
  const { page } = app;
  hub.claimed[WEIGHTS] = 1e15;
  await lookUp(page, ID);
  await page.locator('[data-room="short"]', { hasText: 'A folder on a disk with more room' }).waitFor();
  expect(await page.locator('.hubTask button').first().innerText()).toContain('Download into a folder');
  expect(await violations(page, '.setupCard')).toEqual([]);
  await page.locator('#hub-fetch').click();
  await page.locator('.problemText[data-code="hub.room"]').waitFor();
  await page.locator('#hub-fetch-folder').waitFor();
});

test('a browser that cannot pick folders names the command that does the same', async () => {
  const page = await app.page.context().newPage();
  await page.addInitScript(() => Object.assign(window, { showDirectoryPicker: undefined }));
  await openPage(page, app.origin);
  await chooseHub(page);
  hub.claimed[WEIGHTS] = 1e15;
  await lookUp(page, ID);
  await page.locator('.hubTask', { hasText: `hf download ${ID}` }).waitFor();
  expect(await page.locator('#hub-fetch-folder').count()).toBe(0);
  await page.close();
});

test('a folder that is gone is said where it is opened', async () => {
  const { page } = app;
  await fetchIt();
  await waitWhole(page, ID);
  await page.reload();
  await chooseHub(page);
  await removePicked(page);
  await stored(page, ID).locator('button', { hasText: 'Use' }).click();
  await stored(page, ID).locator('.problemText[data-code="folder.gone"]').waitFor();
});

longTest(
  'a run on a model in a folder trains under the hub’s name, and goes on after a reload by one press',
  async () => {
    const { page } = app;
    await fetchIt();
    await waitWhole(page, ID);
    await expectRunThroughReload(
      app,
      hub,
      page.locator('.resumeRun', { hasText: 'Open its model’s folder and resume' }),
    );
  },
);
