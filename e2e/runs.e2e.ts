// A run outlives its page: stopped, reloaded and resumed from the history, exported, deleted, imported again; cut off
// in the middle and resumed from the banner.

import { readFile } from 'node:fs/promises';
import type { Locator } from 'playwright';
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

const SFT_STEPS = 20;

let app: App;
let runFile = '';

beforeAll(async () => {
  app = await openApp();
});

afterAll(async () => {
  await app.close();
});

async function openHistory(): Promise<Locator> {
  await app.page.locator('nav.places button', { hasText: 'History' }).click();
  return app.page.locator('.runItem');
}

/** Reloads the page; a run under way makes the browser ask first. */
async function reload(): Promise<void> {
  const accept = (dialog: { accept(): Promise<void> }): void => void dialog.accept();
  app.page.on('dialog', accept);
  await app.page.reload();
  app.page.off('dialog', accept);
  await cardSays(app.page, 2, /rows to train/);
}

/** Steps that the metrics table of the run on show has, as `stage step`. */
async function metricRows(): Promise<string[]> {
  const { path } = await download(app.page, app.page.locator('button', { hasText: 'Metrics CSV' }));
  const [, ...rows] = (await readFile(path, 'utf8')).trimEnd().split(/\r?\n/);
  return rows.map((row) => row.split(',').slice(0, 2).join(' '));
}

const allSteps = [...Array.from({ length: SFT_STEPS }, (_, i) => `sft ${i + 1}`), 'grpo 1'];

test('a run that was stopped is listed with its place and its checkpoints, also after a reload', async () => {
  const { page } = app;
  await openPage(page, app.origin);
  await dropPaths(page, [await writeDataset(app.folder, 'few', 8, 2)]);
  await cardSays(page, 2, '8 rows to train, 2 to validate');
  await importRecipe(page, await writeRecipe(app.folder, { sftSteps: SFT_STEPS, grpoSteps: 1, evalRows: 1 }));
  await startTraining(page);
  await expect.poll(() => stepShown(page)).toBeGreaterThan(1);
  await page.locator('#stop').click();
  expect(await page.locator('dialog').textContent()).toContain('can be resumed');
  await page.locator('#confirm-stop').click();
  expect(await waitForEnd(page)).toEqual({ title: expect.stringMatching(/^Stopped after/) as string });
  await page.locator('.resultHead .resumeRun').waitFor();

  await reload();
  const items = await openHistory();
  await expect.poll(() => items.count()).toBe(1);
  expect(await items.getAttribute('data-status')).toBe('stopped');
  expect(await items.locator('.runState').textContent()).toMatch(
    /Stopped.*SFT step \d+.*checkpoint.*last SFT step \d+/,
  );
});

test('its checkpoint is downloaded as one file; deleting asks first and then takes the run away', async () => {
  const { page } = app;
  const items = page.locator('.runItem');
  const file = await download(page, items.locator('button', { hasText: 'Checkpoint' }));
  expect(file.name).toMatch(/^lorikeet-run-.*\.safetensors$/);
  runFile = file.path;
  await items.locator('button', { hasText: 'Delete' }).click();
  expect(await page.locator('dialog').textContent()).toMatch(/1 checkpoint|\d+ checkpoints/);
  await page.locator('dialog button', { hasText: 'Keep it' }).click();
  expect(await items.count()).toBe(1);
  await items.locator('button', { hasText: 'Delete' }).click();
  await page.locator('#confirm-delete').click();
  await expect.poll(() => items.count()).toBe(0);
});

test('imported from its file it goes on, with no step missing or doubled, and finishes', async () => {
  const { page } = app;
  await page.setInputFiles('#import-run', runFile);
  const items = page.locator('.runItem');
  await items.locator('.resumeRun').click();
  await page.locator('.nowPanel').waitFor();
  expect(await waitForEnd(page)).toEqual({ title: expect.stringMatching(/^Finished in/) as string });
  expect(await metricRows()).toEqual(allSteps);
  await openHistory();
  await expect.poll(() => items.getAttribute('data-status')).toBe('finished');
  expect(await items.locator('.resumeRun').count()).toBe(0);
});

test('a run whose page was reloaded in the middle is offered again, and resumed to its end', async () => {
  const { page } = app;
  await goTo(page, 'Setup');
  await startTraining(page);
  await expect.poll(() => stepShown(page)).toBeGreaterThan(1);
  // Pausing saves, so there is something to go on from.
  await page.locator('#pause').click();
  await page.locator('#resume').waitFor();
  await page.locator('.checkpointLine').waitFor();
  await page.locator('#resume').click();
  await reload();
  const banner = page.locator('.banner.interrupted');
  await banner.waitFor();
  expect(await banner.textContent()).toMatch(/saved at SFT step \d+/);
  await banner.locator('.resumeRun').click();
  expect(await waitForEnd(page)).toEqual({ title: expect.stringMatching(/^Finished in/) as string });
  expect(await metricRows()).toEqual(allSteps);
});

test('a run that another tab trains is shown as that and followed to its end, and cannot be resumed or deleted here', async () => {
  const { page } = app;
  await goTo(page, 'Setup');
  await startTraining(page);
  await expect.poll(() => stepShown(page)).toBeGreaterThan(0);
  const other = await page.context().newPage();
  await other.goto(`${app.origin}/`);
  await other.locator('nav.places button', { hasText: 'History' }).click();
  const item = other.locator('.runItem').first();
  await expect.poll(() => item.getAttribute('data-status')).toBe('elsewhere');
  expect(await item.locator('.resumeRun').count()).toBe(0);
  expect(await item.locator('button', { hasText: 'Delete' }).isDisabled()).toBe(true);
  await item.locator('.runActions button', { hasText: 'Open' }).click();
  await expect.poll(() => other.locator('.runCard').textContent()).toContain('Under way in another tab');
  const seen = await stepShown(other);
  await expect.poll(() => stepShown(other)).toBeGreaterThan(seen);
  await page.locator('#stop').click();
  await page.locator('#confirm-stop').click();
  const stopped = { title: expect.stringMatching(/^Stopped after/) as string };
  expect(await waitForEnd(page)).toEqual(stopped);
  expect(await waitForEnd(other)).toEqual(stopped);
  await other.close();
  expect(app.errors).toEqual([]);
});
