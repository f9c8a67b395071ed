// The 4-bit copy of a base on the built page: made by a run, listed, read by the next, checked, found damaged, deleted.

import { writeFile } from 'node:fs/promises';
import type { Page } from 'playwright';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { holdStill, violations } from './axe';
import { readJson, writeRecipe } from './dataFolder';
import { openApp, type App } from './openApp';
import { card, goTo, importRecipe, openPage, startTraining, waitForEnd } from './pageDriver';

let app: App;

beforeAll(async () => {
  app = await openApp();
  await holdStill(app.page);
});

afterAll(() => app.close());

/** Runs to the end; returns what the run was told of the copy. */
async function runOnce(page: Page): Promise<string> {
  await startTraining(page);
  expect(await waitForEnd(page)).toHaveProperty('title');
  const told = await page.locator('main').innerText();
  await goTo(page, 'Setup');
  return told;
}

const copies = (page: Page) => card(page, 1).locator('[data-copy]');

async function changeByte(page: Page, at: number): Promise<void> {
  await page.evaluate(async (place) => {
    const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle('model-copies');
    for await (const handle of folder.values()) {
      const file = handle as FileSystemFileHandle;
      const [byte] = new Uint8Array(await (await file.getFile()).slice(place, place + 1).arrayBuffer());
      const stream = await file.createWritable({ keepExistingData: true });
      await stream.write({ type: 'write', position: place, data: Uint8Array.of(byte! ^ 1) });
      await stream.close();
    }
  }, at);
}

test('a run in 4 bits keeps a copy that the page lists, checks and deletes, and the next run reads', async () => {
  const { page, origin, folder } = app;
  const path = await writeRecipe(folder, { sftSteps: 1, grpoSteps: 0, evalRows: 1 });
  await writeFile(path, JSON.stringify({ ...(await readJson(path)), load_in_4bit: true }));
  await openPage(page, origin);
  expect(await card(page, 1).locator('#keep-copy').count()).toBe(0);
  await importRecipe(page, path);
  await card(page, 1).locator('#keep-copy:checked').waitFor();
  expect(await runOnce(page)).toMatch(/The base is kept in 4 bits for the next start \(\d\.\d MB\)/);
  const item = copies(page);
  await item.waitFor();
  expect(await item.innerText()).toMatch(/^4-bit copy of \S+\s+\d+ kB \(its files: 2\.5 MB\), kept /);
  expect(await violations(page, '.setupCard')).toEqual([]);
  expect(await runOnce(page)).toContain('The base was read from its 4-bit copy in this browser.');

  await page.reload();
  await item.locator('button', { hasText: 'Check' }).click();
  await item.locator('text=Every piece has the hash').waitFor();
  await changeByte(page, 4321);
  await item.locator('button', { hasText: 'Check' }).click();
  await card(page, 1).locator('text=It had other bytes than were written and was removed').waitFor();
  await expect.poll(() => item.count()).toBe(0);

  await runOnce(page);
  await item.locator('button', { hasText: 'Delete' }).click();
  await page.locator('#confirm-delete-copy').click();
  await expect.poll(() => item.count()).toBe(0);

  await card(page, 1).locator('#keep-copy').uncheck();
  await page.reload();
  await card(page, 1).locator('#keep-copy:not(:checked)').waitFor();
  expect(await runOnce(page)).not.toContain('4-bit copy');
  expect(await item.count()).toBe(0);
  expect(app.errors).toEqual([]);
});
