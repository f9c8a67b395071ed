// Everyone can use every place and every dialog: axe finds nothing, in light and dark, wide and narrow.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { holdStill, violations } from './axe';
import { writeDataset, writeRecipe } from './dataFolder';
import { openApp } from './openApp';
import type { App } from './openApp';
import { card, cardSays, dropPaths, goTo, importRecipe, openPage, startTraining, waitForEnd } from './pageDriver';

const PATIENCE = 60_000;

let app: App;

beforeAll(async () => {
  app = await openApp();
  await holdStill(app.page);
});

afterAll(async () => {
  await app.close();
});

/** Opens everything that Setup keeps folded, and waits for what is shown only then. */
async function unfold(): Promise<void> {
  const { page } = app;
  await page.locator('.planVerdict').waitFor();
  const folded = ['Look through all', 'All options', 'The prompt, with its tokens', 'See memory by phase and part'];
  for (const name of folded) {
    await page.locator('.setupMain [aria-expanded="false"]', { hasText: name }).click();
  }
  await page.locator('.promptPreview[aria-busy="false"] .promptText').waitFor();
  await page.locator('.recipeForm').waitFor();
  await page.locator('.dataTable .tableRow').first().waitFor();
}

test('Setup, with the demo and with all that can be unfolded', async () => {
  await openPage(app.page, app.origin);
  await app.page.locator('#start:not([disabled])').waitFor();
  await unfold();
  expect(await violations(app.page)).toEqual([]);
});

test('Setup, with problems to show', async () => {
  const { page } = app;
  const bad = join(app.folder, 'bad.jsonl');
  await writeFile(bad, '{"image": "missing.png", "question": "Q"}\nno json\n');
  await dropPaths(page, [bad]);
  await card(page, 2).locator('.problems').waitFor({ timeout: PATIENCE });
  await page.setInputFiles('#pick-adapter', bad);
  await card(page, 1).locator('.problemText').waitFor();
  await page.locator('#start[disabled]').waitFor();
  expect(await violations(page, '.setupCard.problem, .startPanel')).toEqual([]);
  await card(page, 1).locator('button', { hasText: 'Use a fresh adapter instead' }).click();
});

test('Run and History before the first run', async () => {
  await goTo(app.page, 'Run');
  await app.page.locator('.emptyRun').waitFor();
  expect(await violations(app.page)).toEqual([]);
  await goTo(app.page, 'History');
  await app.page.locator('.historyPage .emptyNote').waitFor();
  expect(await violations(app.page)).toEqual([]);
});

test('Run while it trains, and the question before it stops', async () => {
  const { page } = app;
  await goTo(page, 'Setup');
  await page.setViewportSize({ width: 1280, height: 900 });
  await dropPaths(page, [await writeDataset(app.folder, 'few', 6, 2)]);
  await cardSays(page, 2, '6 rows to train, 2 to validate');
  await importRecipe(page, await writeRecipe(app.folder, { sftSteps: 1, grpoSteps: 40, evalRows: 1 }));
  await startTraining(page);
  await page.locator('.groupRow').first().waitFor({ timeout: PATIENCE });
  await page.locator('#pause').click();
  await page.locator('#resume').waitFor({ timeout: PATIENCE });
  expect(await violations(page)).toEqual([]);
  await page.locator('.stepButton').click();
  await page.locator('.stepList').waitFor();
  expect(await violations(page, '.groupsHead')).toEqual([]);
  await page.keyboard.press('Escape');
  await page.locator('#stop').click();
  await page.locator('dialog[open]').waitFor();
  expect(await violations(page, 'dialog')).toEqual([]);
  await page.locator('#confirm-stop').click();
});

test('the result, and History with a run and the question before it is deleted', async () => {
  const { page } = app;
  expect(await waitForEnd(page)).toEqual({ title: expect.stringMatching(/^Stopped after/) as string });
  await page.locator('.resultHead .resumeRun').waitFor({ timeout: PATIENCE });
  expect(await violations(page)).toEqual([]);
  await goTo(page, 'History');
  await page.locator('.runItem').waitFor({ timeout: PATIENCE });
  expect(await violations(page)).toEqual([]);
  await page.locator('.runItem button', { hasText: 'Delete' }).click();
  await page.locator('dialog[open]').waitFor();
  expect(await violations(page, 'dialog')).toEqual([]);
});

test('the page that says what to do without WebGPU', async () => {
  const page = await app.page.context().newPage();
  await page.addInitScript(() => Reflect.deleteProperty(Navigator.prototype, 'gpu'));
  await holdStill(page);
  await page.goto(`${app.origin}/`);
  await page.locator('main.unsupported[data-code="browser.noWebGpu"]').waitFor({ timeout: PATIENCE });
  expect(await violations(page)).toEqual([]);
  await page.close();
  expect(app.errors).toEqual([]);
});
