// Does it fit, and what mends it: the plan in the Check card and in the terminal, and pictures that are too long.

import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { longTest } from '../src/base/testing/longTest';
import { holdStill, violations } from './axe';
import { writeDataset, writeRecipe } from './dataFolder';
import { openApp, type App } from './openApp';
import { card, cardSays, dropPaths, importRecipe, openPage } from './pageDriver';
import { REPOSITORY } from './repository';

let app: App;
let data: string;

beforeAll(async () => {
  app = await openApp();
  await holdStill(app.page);
  data = await writeDataset(app.folder, 'few', 6, 2);
});

afterAll(async () => {
  await app.close();
});

/** The sentence of the plan. */
function verdict(): Promise<string | null> {
  return card(app.page, 4).locator('.planVerdict').textContent();
}

test('the Check card says that the demo fits, and shows memory by phase', async () => {
  const { page } = app;
  await openPage(page, app.origin);
  await expect.poll(verdict).toMatch(/^Fits: at most [\d.]+ MB of GPU memory \(.*\); of 8 GB, 7\.7 GB may be used\./);
  await card(page, 4).locator('button', { hasText: 'See memory by phase and part' }).click();
  const rows = await card(page, 4).locator('.planTable tbody th').allTextContents();
  expect(rows).toEqual(['Loading', 'Pictures', 'Evaluation', 'SFT step', 'GRPO rollout', 'GRPO step', 'Checkpoint']);
  expect(await violations(page, '.planPanel')).toEqual([]);
});

test('a verdict does not outlive the settings that it was made of, not for one frame', async () => {
  const { page } = app;
  await expect.poll(verdict).toMatch(/^Fits/);
  // Called after each change of the page and before it is painted.
  await page.evaluate(() => {
    const textOf = (found: string): string => document.querySelector(found)?.textContent ?? '';
    const note = (): void => {
      if (!textOf('section.setupCard:has(#card3)').includes('Read recipe.json.')) return;
      document.body.dataset.firstVerdict = textOf('.planVerdict');
      observer.disconnect();
    };
    const observer = new MutationObserver(note);
    observer.observe(document.body, { childList: true, subtree: true, characterData: true });
  });
  await importRecipe(page, await writeRecipe(app.folder, { sftSteps: 1, grpoSteps: 1 }));
  const first = (): Promise<string | undefined> => page.evaluate(() => document.body.dataset.firstVerdict);
  await expect.poll(first).toMatch(/^Planning anew\. Before: at most [\d.]+ MB of GPU memory/);
  await expect.poll(verdict).toMatch(/^Fits/);
});

longTest(
  'a step is measured on demand: progress, a way out, then the time, which follows the recipe without another one',
  async () => {
    const { page } = app;
    const panel = card(page, 4).locator('.planPanel');
    const time = panel.locator('#planSeconds');
    await panel.locator('#measure:not([disabled])').click();
    await panel.locator('.planMeasure', { hasText: /Measuring: (?!loading)/ }).waitFor();
    await panel.locator('#stopMeasuring').click();
    await panel.locator('#measure:not([disabled])').waitFor();
    expect(await time.count()).toBe(0);

    await panel.locator('#measure').click();
    await time.waitFor();
    expect(await time.textContent()).toMatch(/^About [\d ]+(min|s).* on this GPU/);
    const phases = panel.locator('.planTime tbody th');
    const told = [
      'Loading and first uses',
      expect.stringMatching(/^Pictures/),
      expect.stringMatching(/^Evaluation, 3/),
    ];
    const steps = [/^SFT step, 1 step$/, /^GRPO rollout, 1 step$/, /^GRPO step, 1 step$/];
    expect(await phases.allTextContents()).toEqual([
      ...told,
      ...steps.map((line) => expect.stringMatching(line) as string),
    ]);
    expect(await violations(page, '.planPanel')).toEqual([]);

    await importRecipe(page, await writeRecipe(app.folder, { sftSteps: 3, grpoSteps: 1 }));
    await expect.poll(() => phases.allTextContents()).toContain('SFT step, 3 steps');
    await page.reload();
    await expect.poll(() => time.count()).toBe(1);
    expect(app.errors).toEqual([]);
  },
);

test('pictures that are too long are told in one sentence, and a button keeps their rows', async () => {
  const { page } = app;
  // Two of these prompts have 56 tokens, 16 of them the picture's; the others have fewer than 55.
  await importRecipe(page, await writeRecipe(app.folder, { sftSteps: 1, grpoSteps: 1, maxPromptLength: 54 }));
  await dropPaths(page, [data]);
  await cardSays(page, 2, '6 rows to train, 2 to validate');
  const problems = card(page, 2).locator('.problems');
  const mend = problems.locator('button', { hasText: 'Set max_pixels to' });
  expect(await problems.textContent()).toContain(
    '2 rows are left out because their pictures are too long for max_prompt_length 54: with "max_pixels": 10976 in the recipe they fit.',
  );
  await mend.click();
  await problems.waitFor({ state: 'detached' });
  await expect.poll(verdict).toMatch(/^Fits/);
  await cardSays(page, 2, '6 rows to train, 2 to validate');
});

longTest('the terminal prints the plan of a run that fits and its time, exits with 0 and begins nothing', () => {
  const flags = ['tools/run.mjs', 'train', '--plan', '--software', '--data', data];
  const { status, stdout } = spawnSync(process.execPath, flags, { cwd: REPOSITORY, encoding: 'utf8' });
  expect([status, stdout]).toEqual([0, expect.stringMatching(/It fits: [\d.]+ MB at most/)]);
  expect(stdout).toMatch(/GPU memory, MB +weights/);
  expect(stdout).toMatch(/\nSFT step +30 steps +[\d.]+ s +/);
  expect(stdout).toMatch(/\nAbout [\dms ]+ in all on this GPU\.\n$/);
  expect(stdout).not.toContain('Before training');
});
