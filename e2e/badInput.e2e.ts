// What is wrong with data, model, recipe or browser is said by name, and the page stays usable afterwards.

import { mkdir, stat, truncate, writeFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { BrowserContext, Page } from 'playwright';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BROWSER_NEEDED } from '../src/base/minimumBrowser.mjs';
import { viewCase } from '../src/image/viewCases';
import { copyModel, copyPictures, demoRows, readJson, writeDataset, writeRecipe, type Row } from './dataFolder';
import { openApp } from './openApp';
import type { App } from './openApp';
import {
  card,
  cardSays,
  dropPaths,
  goTo,
  importRecipe,
  openPage,
  PATIENCE,
  startTraining,
  stepShown,
  waitForEnd,
} from './pageDriver';

let app: App;

beforeAll(async () => {
  app = await openApp();
});

afterAll(async () => {
  await app.close();
});

/** The problems that the Data card lists, each as `place: message`. */
async function problems(): Promise<string[]> {
  const items = await card(app.page, 2).locator('.problems li').all();
  const lines = items.map(async (item) => {
    const message = (await item.locator(':scope > span').textContent()) ?? '';
    return `${await item.locator('code').textContent()}: ${message.trim()}`;
  });
  return Promise.all(lines);
}

/** A folder with two good rows to train and two to validate, and between them one of every kind of bad row. */
async function writeMixed(): Promise<string> {
  const path = join(app.folder, 'mixed');
  const [train, val] = [await demoRows('train', 2), await demoRows('val', 2)];
  await copyPictures([...train, ...val], path);
  await writeFile(join(path, 'note.png'), 'this is a text');
  const line = (row: Partial<Row>): string => JSON.stringify(row);
  const [first, second] = train as [Row, Row];
  const lines = [
    line(first),
    line(first).slice(0, 40),
    line({ ...first, answer: undefined }),
    line({ ...first, image: 'nowhere.png' }),
    line({ ...first, image: 'note.png' }),
    line(second),
  ];
  await writeFile(join(path, 'mixed_train.jsonl'), lines.join('\n') + '\n');
  await writeFile(join(path, 'mixed_val.jsonl'), val.map((row) => line(row) + '\n').join(''));
  return path;
}

async function useBundledModel(): Promise<void> {
  await card(app.page, 1).locator('label,button', { hasText: 'Demo (bundled)' }).click();
  await cardSays(app.page, 1, 'Demo model is in the page');
}

test('broken JSON, a missing field, a missing picture and a false picture are named by file and line; the rest is used', async () => {
  await openPage(app.page, app.origin);
  await dropPaths(app.page, [await writeMixed()]);
  await cardSays(app.page, 2, '2 rows to train, 2 to validate');
  await cardSays(app.page, 2, '4 errors.');
  const found = await problems();
  expect(found).toContainEqual(expect.stringMatching(/^mixed\/mixed_train\.jsonl:2: not valid JSON/));
  expect(found).toContainEqual(expect.stringMatching(/^mixed\/mixed_train\.jsonl:3: missing "answer"/));
  expect(found).toContainEqual(
    expect.stringMatching(/^mixed\/mixed_train\.jsonl:4: image "nowhere\.png" is not among/),
  );
  expect(found).toContainEqual(
    expect.stringMatching(/^mixed\/note\.png: expected a PNG or JPEG.*mixed\/mixed_train\.jsonl, line 5/),
  );
  await card(app.page, 2).locator('button', { hasText: 'Leave all 4 out' }).click();
  expect(await card(app.page, 2).locator('.chip.good').first().textContent()).toContain('Ready');
  expect(await app.page.locator('#start').isEnabled()).toBe(true);
});

test('data without a usable row is not replaced unasked: the earlier data stays stored, and is used on the user’s word', async () => {
  const { page } = app;
  const path = join(app.folder, 'hopeless_train.jsonl');
  await writeFile(path, '{"image": 1}\nnothing\n');
  await dropPaths(page, [path]);
  await cardSays(page, 2, 'The new data cannot be used; the earlier data is kept.');
  expect(await card(page, 2).locator('[role=alert]').textContent()).toContain('hopeless_train.jsonl');
  expect(await page.locator('#start').isEnabled()).toBe(false);
  expect(await page.locator('#startObstacle').textContent()).toBe('The data has a problem.');
  await card(page, 2).locator('button', { hasText: 'Use mixed instead' }).click();
  await cardSays(page, 2, '2 rows to train, 2 to validate');
  expect(await page.locator('#start').isEnabled()).toBe(true);
  await page.reload();
  await cardSays(page, 2, '2 rows to train, 2 to validate');
});

/** Width and height of the turned picture as the Data card shows it. */
async function shownSize(): Promise<number[]> {
  const picture = card(app.page, 2).locator('.strip .thumb img[alt="png_exif_6.png"]');
  return picture.evaluate((img: HTMLImageElement) => [img.naturalWidth, img.naturalHeight]);
}

test('pictures that a recipe loads sideways or with hidden colours are shown as the model sees them and counted, and a button mends it', async () => {
  const { page } = app;
  const path = join(app.folder, 'views');
  const [row] = (await demoRows('train', 1)) as [Row];
  await mkdir(path);
  const names = ['png_exif_6', 'rgba', 'png_plain'];
  for (const name of names) await writeFile(join(path, `${name}.png`), viewCase(name).file);
  const lines = names.map((name) => JSON.stringify({ ...row, image: `${name}.png` }));
  await writeFile(join(path, 'views_train.jsonl'), lines.join('\n'));
  await dropPaths(page, [path]);
  await cardSays(page, 2, '3 pictures');
  const note = card(page, 2).locator('[role=status]', { hasText: 'image_loading' });
  expect(await note.count()).toBe(0);
  await expect.poll(shownSize).toEqual([3, 5]);
  await card(page, 3).locator('label,button', { hasText: 'MMHERC' }).click();
  await expect
    .poll(() => note.textContent())
    .toMatch(/1 picture will lie sideways.*1 picture will show hidden colours/);
  await expect.poll(shownSize).toEqual([5, 3]);
  await note.locator('button', { hasText: 'Set image_loading to library' }).click();
  await expect.poll(() => note.count()).toBe(0);
  await expect.poll(shownSize).toEqual([3, 5]);
  await card(page, 3).locator('label,button', { hasText: 'Demo' }).first().click();
});

test('a folder with another kind of model is refused by its model_type, and the bundled one can be chosen again', async () => {
  const { page } = app;
  const model = await copyModel(app.folder, 'other-model', async (path) => {
    const config = await readJson(join(path, 'config.json'));
    await writeFile(join(path, 'config.json'), JSON.stringify({ ...config, model_type: 'llava' }));
  });
  await page.setInputFiles('#pick-model', model);
  await cardSays(page, 1, 'config.json: model_type is "llava", expected "qwen2_5_vl".');
  expect(await page.locator('#start').isEnabled()).toBe(false);
  expect(await page.locator('#startObstacle').textContent()).toBe('The model has a problem.');
  await useBundledModel();
  await expect.poll(() => page.locator('#start').isEnabled()).toBe(true);
});

test('weights that were cut off are refused before the start, with the file and its bytes', async () => {
  const { page } = app;
  let bytes = 0;
  const model = await copyModel(app.folder, 'cut-model', async (path) => {
    const weights = join(path, 'model.safetensors');
    bytes = Math.floor((await stat(weights)).size / 2);
    await truncate(weights, bytes);
  });
  await page.setInputFiles('#pick-model', model);
  await cardSays(page, 1, `the file has ${bytes} bytes`);
  expect(await card(page, 1).locator('.cardLine').textContent()).toContain('model.safetensors');
  expect(await page.locator('#start').isEnabled()).toBe(false);
  await useBundledModel();
});

test('a folder that brings no files leaves no model: neither the one before nor the bundled one takes its place', async () => {
  const { page } = app;
  const empty = join(app.folder, 'linked-model');
  await mkdir(empty);
  await symlink(join(app.folder, 'other-model', 'config.json'), join(empty, 'config.json'));
  await page.setInputFiles('#pick-model', empty);
  await cardSays(page, 1, 'The folder brought no files: it is empty, or it holds only links');
  expect(await page.locator('#start').isEnabled()).toBe(false);
  await useBundledModel();
});

test('an adapter folder that brings no files keeps a run from starting, in every place, until another adapter is chosen', async () => {
  const { page } = app;
  await page.setInputFiles('#pick-adapter-folder', join(app.folder, 'linked-model'));
  await page.locator('.adapterRow [data-code="adapter.missingFile"]').waitFor();
  await goTo(page, 'Run');
  await goTo(page, 'Setup');
  const row = page.locator('.adapterRow');
  expect(await row.textContent()).toContain('The folder brought no files: it is empty, or it holds only links');
  expect(await page.locator('#start').isEnabled()).toBe(false);
  expect(await page.locator('#startObstacle').textContent()).toBe('The adapter has a problem.');
  await row.locator('button', { hasText: 'Use a fresh adapter instead' }).click();
  expect(await row.textContent()).toContain('Starts from a fresh adapter.');
  await expect.poll(() => page.locator('#start').isEnabled()).toBe(true);
});

test('rows that do not fit are named before the run; when none is left the run says what to change', async () => {
  const { page } = app;
  await importRecipe(page, await writeRecipe(app.folder, { sftSteps: 1, grpoSteps: 0, maxPromptLength: 10 }));
  await dropPaths(page, [await writeDataset(app.folder, 'long', 4, 2)]);
  await cardSays(page, 2, '4 rows to train, 2 to validate');
  expect(await problems()).toContainEqual(
    expect.stringMatching(/^long\/long_train\.jsonl:1: note the prompt has \d+ tokens, max_prompt_length is 10/),
  );
  await startTraining(page);
  expect(await waitForEnd(page)).toEqual({ code: 'data.empty' });
  expect(await page.locator('.banner.bad').textContent()).toContain('max_prompt_length');
});

test('after these failures, a run that leaves out one long row finishes and says so', async () => {
  const { page } = app;
  await goTo(page, 'Setup');
  const counts = (await card(page, 2).locator('.tokens').textContent()) ?? '';
  const longest = Number(/Prompts \d+ to (\d+) tokens/.exec(counts)?.[1]);
  expect(longest).toBeGreaterThan(0);
  const recipe = { sftSteps: 1, grpoSteps: 0, maxPromptLength: longest - 1, evalRows: 1 };
  await importRecipe(page, await writeRecipe(app.folder, recipe));
  await startTraining(page);
  expect(await waitForEnd(page)).toEqual({ title: expect.stringMatching(/^Finished in/) as string });
  expect(await page.locator('.banner[data-code="row.leftOut"]').textContent()).toMatch(/long_(train|val)\.jsonl/);
});

test('a browser without WebGPU gets a page that says what to do', async () => {
  const page = await app.page.context().newPage();
  await page.addInitScript(() => Reflect.deleteProperty(Navigator.prototype, 'gpu'));
  await page.goto(`${app.origin}/`);
  const notice = page.locator('main.unsupported');
  await notice.waitFor();
  expect(await notice.getAttribute('data-code')).toBe('browser.noWebGpu');
  for (const word of ['Chrome', 'Edge', 'npm run train']) expect(await notice.textContent()).toContain(word);
  await page.close();
});

test('a browser that is too old for the engine gets the version that is needed', async () => {
  const page = await app.page.context().newPage();
  await page.addInitScript(() => Reflect.deleteProperty(GPUAdapter.prototype, 'info'));
  await page.goto(`${app.origin}/`);
  const notice = page.locator('main.unsupported[data-code="browser.tooOld"]');
  await notice.waitFor();
  expect(await notice.textContent()).toContain(`Lorikeet needs ${BROWSER_NEEDED}.`);
  await page.close();
});

test('a GPU that is lost in mid-run is named within 5 seconds, and after a reload the page trains again', async () => {
  const { page } = app;
  await goTo(page, 'Setup');
  await importRecipe(page, await writeRecipe(app.folder, { sftSteps: 500, grpoSteps: 0, evalRows: 1 }));
  await startTraining(page);
  await expect.poll(() => stepShown(page)).toBeGreaterThan(0);
  const browser = await page.context().browser()?.newBrowserCDPSession();
  const began = performance.now();
  await browser?.send('Browser.crashGpuProcess');
  expect(await waitForEnd(page)).toEqual({ code: 'gpu.lost' });
  expect(performance.now() - began).toBeLessThan(5000);
  await page.reload();
  await cardSays(page, 2, '4 rows to train');
  await importRecipe(page, await writeRecipe(app.folder, { sftSteps: 1, grpoSteps: 0, evalRows: 1 }));
  await startTraining(page);
  expect(await waitForEnd(page)).toEqual({ title: expect.stringMatching(/^Finished in/) as string });
});

/** A context with storage of its own. */
async function newContext(): Promise<BrowserContext> {
  const context = await app.page.context().browser()!.newContext();
  context.setDefaultTimeout(PATIENCE);
  return context;
}

/** Opens the page's databases at a version and keeps them open, as a tab of another release may. */
function holdDatabases(page: Page, version: number): Promise<void> {
  return page.evaluate(async (wanted) => {
    const held = globalThis as { held?: IDBDatabase[] };
    held.held = [];
    for (const name of ['lorikeet-datasets', 'lorikeet-runs']) {
      const opened = new Promise<IDBDatabase>((resolve, reject) => {
        const opening = indexedDB.open(name, wanted);
        opening.onsuccess = () => resolve(opening.result);
        opening.onerror = () => reject(opening.error ?? new Error('not opened'));
      });
      held.held.push(await opened);
    }
  }, version);
}

test('a tab that holds the stored data in an older form is named within 5 seconds; once it is closed the page goes on', async () => {
  const context = await newContext();
  const old = await context.newPage();
  await old.goto(`${app.origin}/favicon.svg`);
  await holdDatabases(old, 1);
  const page = await context.newPage();
  await page.goto(`${app.origin}/`);
  const notice = card(page, 2).locator('[role=alert][data-code="storage.blocked"]');
  // How long the page itself takes to come depends on the machine.
  await card(page, 2).waitFor();
  await notice.waitFor({ timeout: 5000 });
  expect(await notice.textContent()).toContain('Close other Lorikeet tabs');
  expect(await page.locator('#startObstacle').textContent()).toBe('Close other Lorikeet tabs first.');
  await old.close();
  await cardSays(page, 2, '400 rows to train');
  await expect.poll(() => card(page, 4).textContent()).toContain('may clear it when space runs');

  const newer = await context.newPage();
  await newer.goto(`${app.origin}/favicon.svg`);
  await holdDatabases(newer, 1000);
  await page.locator('.banner[data-code="storage.newer"]').waitFor();
  expect(await page.locator('#startObstacle').textContent()).toBe('Reload this tab first.');
  await context.close();
});

test('a browser that keeps what is stored is taken at its word', async () => {
  const context = await newContext();
  const page = await context.newPage();
  await page.goto(`${app.origin}/favicon.svg`);
  const browser = await context.browser()!.newBrowserCDPSession();
  const { targetInfos } = await browser.send('Target.getTargets');
  const browserContextId = targetInfos.find(({ url }) => url.endsWith('/favicon.svg'))?.browserContextId;
  await browser.send('Browser.grantPermissions', { permissions: ['durableStorage'], browserContextId });
  await openPage(page, app.origin);
  await expect.poll(() => card(page, 4).textContent()).toContain('kept until you clear it');
  await context.close();
});

test('an empty folder is named at once', async () => {
  const path = join(app.folder, 'empty');
  await mkdir(path);
  await openPage(app.page, app.origin);
  await dropPaths(app.page, [path]);
  await expect.poll(() => card(app.page, 2).locator('[role=alert]').textContent()).toContain('no files in empty');
});

test('none of this wrote an error to the console', () => {
  expect(app.errors).toEqual([]);
});
