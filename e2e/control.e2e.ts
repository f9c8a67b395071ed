// The run's buttons in the middle of SFT: pause holds it, resume goes on, stop saves an adapter.

import { readFile } from 'node:fs/promises';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeDataset, writeRecipe } from './dataFolder';
import { openApp } from './openApp';
import type { App } from './openApp';
import {
  cardSays,
  download,
  dropPaths,
  goTo,
  importRecipe,
  openPage,
  startTraining,
  stepShown,
  waitForEnd,
} from './pageDriver';

const PAUSED_MS = 1500;

let app: App;

beforeAll(async () => {
  app = await openApp();
});

afterAll(async () => {
  await app.close();
});

test('a run can be paused, resumed and stopped in the middle of SFT, and then offers its adapter', async () => {
  const { page } = app;
  await openPage(page, app.origin);
  await dropPaths(page, [await writeDataset(app.folder, 'few', 8, 2)]);
  await cardSays(page, 2, '8 rows to train, 2 to validate');
  await importRecipe(page, await writeRecipe(app.folder, { sftSteps: 2000, grpoSteps: 1, evalRows: 1 }));
  await startTraining(page);
  await expect.poll(() => stepShown(page)).toBeGreaterThan(0);

  await page.locator('#pause').click();
  await page.locator('#resume').waitFor();
  const held = await stepShown(page);
  await page.waitForTimeout(PAUSED_MS);
  expect(await stepShown(page)).toBe(held);
  expect(await page.locator('.phase h1').textContent()).toMatch(/paused/i);

  await page.locator('#resume').click();
  await expect.poll(() => stepShown(page)).toBeGreaterThan(held);

  await page.locator('#stop').click();
  await page.locator('#confirm-stop').click();
  expect(await waitForEnd(page)).toEqual({ title: expect.stringMatching(/^Stopped after/) as string });
});

test('the stopped run has its adapter and a row of metrics for each step that it made', async () => {
  const { page } = app;
  const said = (await page.locator('.resultHead p').textContent()) ?? '';
  const steps = Number(/^(\d+) SFT and 0 GRPO steps/.exec(said)?.[1]);
  expect(steps).toBeGreaterThan(1);
  expect(steps).toBeLessThan(2000);
  const adapter = await download(page, page.locator('#download-adapter'));
  const names = Object.keys(unzipSync(new Uint8Array(await readFile(adapter.path)))).map((path) => path.split('/')[1]);
  expect(names.sort()).toEqual(['adapter_config.json', 'adapter_model.safetensors']);
  const metrics = await download(page, page.locator('button', { hasText: 'Metrics CSV' }));
  const rows = (await readFile(metrics.path, 'utf8')).trimEnd().split(/\r?\n/).slice(1);
  expect(rows.length).toBe(steps);
  await goTo(page, 'Setup');
  expect(await page.locator('#start').isEnabled()).toBe(true);
  expect(app.errors).toEqual([]);
});

test('a run whose reward encoder cannot be loaded ends by name, and the next start works without a reload', async () => {
  const { page } = app;
  const script = /rewardEncoder\.worker/;
  let refused = 0;
  await page.route(script, (route) => {
    refused++;
    return route.abort();
  });
  await openPage(page, app.origin);
  await importRecipe(page, await writeRecipe(app.folder, { sftSteps: 1, grpoSteps: 0, evalRows: 1 }));
  await startTraining(page);
  expect(await waitForEnd(page)).toEqual({ code: 'reward.encoder' });
  expect(refused).toBeGreaterThan(0);

  await page.unroute(script);
  await goTo(page, 'Setup');
  await startTraining(page);
  await page.locator('.resultHead h1').waitFor();
  expect(await waitForEnd(page)).toEqual({ title: expect.stringMatching(/^Finished in/) as string });
});
