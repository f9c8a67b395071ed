// Works the page as a person does: drops, picks, presses, and waits for what is shown. Every wait has an end.

import type { Locator, Page } from 'playwright';
import { expect } from 'vitest';

/** The longest that any step of the page may take on a busy machine, in ms: it only ends what hangs. */
export const PATIENCE = 120_000;

/** A card of the Setup place, by its number. */
export function card(page: Page, number: 1 | 2 | 3 | 4): Locator {
  return page.locator(`section.setupCard:has(#card${number})`);
}

/** Waits until a card's one-line state is or matches `line`. */
export async function cardSays(page: Page, number: 1 | 2 | 3 | 4, line: string | RegExp): Promise<void> {
  const text = (): Promise<string | null> => card(page, number).locator('.cardLine').textContent();
  const expected = typeof line === 'string' ? expect.stringContaining(line) : expect.stringMatching(line);
  await expect.poll(text).toEqual(expected);
}

/** Opens the page and waits until its first dataset, the demo's or a stored one, is ready. */
export async function openPage(page: Page, origin: string): Promise<void> {
  await page.goto(`${origin}/`);
  await cardSays(page, 2, /rows to train/);
  await cardSays(page, 4, /./);
}

/** Drops files or folders on the drop zone: the browser reads them from disk as if dragged from a file manager. */
export async function dropPaths(page: Page, paths: string[]): Promise<void> {
  const zone = page.locator('#drop-zone');
  await zone.scrollIntoViewIfNeeded();
  const box = await zone.boundingBox();
  if (!box) throw new Error('the drop zone is not on show');
  const session = await page.context().newCDPSession(page);
  const at = { x: box.x + 30, y: box.y + box.height / 2 };
  const data = { items: [], files: paths, dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
    await session.send('Input.dispatchDragEvent', { type, ...at, data });
  }
  await session.detach();
}

/** Takes a recipe file through the Recipe card. */
export async function importRecipe(page: Page, path: string): Promise<void> {
  await page.setInputFiles('#pick-recipe', path);
  await expect.poll(() => card(page, 3).textContent()).toContain('Read recipe.json.');
}

/** Goes to a place by the header. */
export async function goTo(page: Page, place: 'Setup' | 'Run' | 'History'): Promise<void> {
  await page.locator('nav.places button', { hasText: place }).click();
}

/** Presses Start once the page lets one. */
export async function startTraining(page: Page): Promise<void> {
  await page.locator('#start:not([disabled])').click();
}

/** Waits for the end of a run and says how it ended: the result's title or the code of its error. */
export async function waitForEnd(page: Page): Promise<{ title: string } | { code: string }> {
  const end = page.locator('.resultHead h1, .banner.bad').first();
  await end.waitFor();
  const code = await end.getAttribute('data-code');
  return code === null ? { title: (await end.textContent()) ?? '' } : { code };
}

/** Presses a button or link that saves a file; resolves with the path of what was saved and its suggested name. */
export async function download(page: Page, button: Locator): Promise<{ path: string; name: string }> {
  const [file] = await Promise.all([page.waitForEvent('download'), button.click()]);
  return { path: await file.path(), name: file.suggestedFilename() };
}

/** The step that the Run place counts now; NaN while none is shown. */
export async function stepShown(page: Page): Promise<number> {
  const figure = page.locator('.figures dd').first();
  return (await figure.count()) === 0 ? NaN : parseInt((await figure.textContent()) ?? '', 10);
}
