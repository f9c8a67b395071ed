// A run of thousands of steps stays easy to look at: it opens, scrolls and leaves its files without holding up the page.

import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readJson, writeRecipe } from './dataFolder';
import { storeLongRun } from './longLog';
import { openApp } from './openApp';
import type { App } from './openApp';
import { download, openPage } from './pageDriver';
import { describeTask, LONGEST_MS, mainThreadTasks, traced } from './taskTrace';

const STEPS = 5000;
const PATIENCE = 60_000;

let app: App;

beforeAll(async () => {
  app = await openApp();
});

afterAll(async () => {
  await app.close();
});

/** Fails with what took long, if a task of the page's thread did. */
async function withoutLongTask(what: string, work: () => Promise<void>): Promise<void> {
  const session = await app.page.context().newCDPSession(app.page);
  const began = Date.now();
  const events = await traced(session, work);
  const tasks = mainThreadTasks(events);
  expect(tasks.length).toBeGreaterThan(20);
  console.log(`${what}: ${Date.now() - began} ms, longest of ${tasks.length} tasks ${describeTask(events, tasks[0]!)}`);
  const tooLong = tasks.filter(({ tdur = 0 }) => tdur / 1000 > LONGEST_MS);
  expect(tooLong.map((task) => describeTask(events, task))).toEqual([]);
  await session.detach();
}

/** Waits until every chart has been created, and two frames more: a chart draws in the frame after. */
async function chartsCreated(page: Page): Promise<void> {
  // Looked at rarely and cheaply: what this costs is measured, too.
  const created = (): boolean => {
    const charts = [...document.querySelectorAll('.plot')];
    return charts.length > 0 && charts.every((chart) => chart.querySelector('canvas') !== null);
  };
  await page.waitForFunction(created, undefined, { polling: 100, timeout: PATIENCE });
  await page.evaluate(
    () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve(null)))),
  );
}

/** Names of the charts on which nothing is drawn. */
function chartsWithoutInk(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const isBlank = (canvas: HTMLCanvasElement): boolean => {
      const pixels = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height).data;
      return pixels.every((value) => value === 0);
    };
    const blank = [...document.querySelectorAll('.plot')].filter((chart) => isBlank(chart.querySelector('canvas')!));
    return blank.map((chart) => chart.getAttribute('aria-label') ?? '');
  });
}

test('the log of 5,000 steps opens from the history without a task over 50 ms', async () => {
  const { page } = app;
  await openPage(page, app.origin);
  const recipe = await readJson(await writeRecipe(app.folder, { sftSteps: 0, grpoSteps: STEPS }));
  await storeLongRun(page, { id: 'long', steps: STEPS, prompts: 2, completions: 8, recipe });
  await page.reload();
  await page.locator('nav.places button', { hasText: 'History' }).click();
  const item = page.locator('.runItem');
  await item.waitFor({ timeout: PATIENCE });
  await withoutLongTask('opening', async () => {
    await item.locator('button', { hasText: 'Open' }).click();
    await page.locator('.stepButton', { hasText: `Step ${STEPS}` }).waitFor({ timeout: PATIENCE });
    await chartsCreated(page);
  });
  expect(await chartsWithoutInk(page)).toEqual([]);
});

test('its page scrolls, and any step is chosen, without a task over 50 ms; old steps come from storage', async () => {
  const { page } = app;
  await withoutLongTask('scrolling and choosing', async () => {
    await page.mouse.move(700, 500);
    for (let i = 0; i < 10; i++) await page.mouse.wheel(0, 300);
    for (let i = 0; i < 10; i++) await page.mouse.wheel(0, -300);
    await page.locator('.stepButton').click();
    const list = page.locator('.stepList');
    await list.waitFor();
    expect(await list.locator('[role=option]').count()).toBeLessThan(40);
    await page.keyboard.press('Home');
    await list.locator('[role=option]', { hasText: /^Step 1$/ }).waitFor();
    await page.keyboard.type('17');
    await page.keyboard.press('Enter');
    await page.locator('.groupRow', { hasText: 'Step 17, sample 0' }).first().waitFor({ timeout: PATIENCE });
    await page.locator('.jump').click();
    await page
      .locator('.groupRow', { hasText: `Step ${STEPS}, sample 0` })
      .first()
      .waitFor({ timeout: PATIENCE });
  });
  expect(await page.locator('.groupRow').count()).toBe(2);
});

test('its table of metrics has every step', async () => {
  const { page } = app;
  const { path } = await download(
    page,
    page.locator('.curves').locator('xpath=..').locator('button', { hasText: 'CSV' }),
  );
  const [, ...rows] = (await readFile(path, 'utf8')).trimEnd().split('\n');
  expect(rows.map((row) => row.split(',')[1])).toEqual(Array.from({ length: STEPS }, (_, i) => String(i + 1)));
  expect(app.errors).toEqual([]);
});
