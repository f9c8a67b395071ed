// A run on a model of the hub that is interrupted by a reload, wherever the model lies.

import type { Locator } from 'playwright';
import { expect } from 'vitest';
import type { TestHub } from '../src/hub/testing/hubServer';
import { writeDataset, writeRecipe } from './dataFolder';
import type { App } from './openApp';
import { cardSays, dropPaths, importRecipe, startTraining, stepShown } from './pageDriver';

/**
 * Trains on the chosen model, reloads the page, goes on, and stops.
 * @param resume the button that goes on @throws unless both train, the second without a request to the hub
 */
export async function expectRunThroughReload({ page, folder }: App, hub: TestHub, resume: Locator): Promise<void> {
  await dropPaths(page, [await writeDataset(folder, 'few', 6, 2)]);
  await cardSays(page, 2, /6 rows to train, 2 to validate[^]*No errors/);
  await importRecipe(page, await writeRecipe(folder, { sftSteps: 60, grpoSteps: 1, evalRows: 1 }));
  await startTraining(page);
  await expect.poll(() => stepShown(page)).toBeGreaterThan(0);
  const before = hub.seen.length;
  await page.reload();
  await resume.first().click();
  await expect.poll(() => stepShown(page)).toBeGreaterThan(0);
  expect(hub.seen.length).toBe(before);
  await page.locator('#stop').click();
  await page.locator('#confirm-stop').click();
  await page.locator('.resultHead h1').waitFor();
}
