// Asks axe whether the page on show can be used by everyone, in both themes and at three widths. Asserts nothing itself.

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type axe from 'axe-core';
import type { Page } from 'playwright';

const WIDTHS = [1280, 760, 360];
/** Themes differ in colours alone: the first is looked at with all rules, the others with those that look at colours. */
const THEMES = ['light', 'dark'] as const;
const COLOUR_RULES = ['color-contrast', 'link-in-text-block'];
const source = readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Puts axe into the page. The page's policy forbids foreign scripts, so it goes in as a developer's console would. */
async function ensureAxe(page: Page): Promise<void> {
  if (await page.evaluate(() => 'axe' in window)) return;
  const session = await page.context().newCDPSession(page);
  await session.send('Runtime.evaluate', { expression: await source });
  await session.detach();
}

/** Before the page is opened: colours and places change at once, so that no state is looked at on its way to another. */
export async function holdStill(page: Page): Promise<void> {
  await page.emulateMedia({ reducedMotion: 'reduce' });
}

/** Shows a theme at a width, once the page has taken both over. */
async function look(page: Page, theme: (typeof THEMES)[number], width: number): Promise<void> {
  await page.emulateMedia({ colorScheme: theme });
  await page.setViewportSize({ width, height: 900 });
  await page.waitForFunction((wanted) => document.documentElement.dataset.theme === wanted, theme);
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
}

/**
 * What axe has against the page now, in every theme and width: one line each, with the elements.
 * @param within the part to look at, where the rest has been looked at before
 */
export async function violations(page: Page, within = ':root'): Promise<string[]> {
  await ensureAxe(page);
  const found = new Set<string>();
  for (const theme of THEMES) {
    const only = theme === THEMES[0] ? null : COLOUR_RULES;
    for (const width of WIDTHS) {
      await look(page, theme, width);
      const lines = await page.evaluate(
        async ([part, rules]) => {
          const { axe: inPage } = window as unknown as { axe: typeof axe };
          const result = await inPage.run(part === ':root' ? document : part, {
            resultTypes: ['violations'],
            ...(rules ? { runOnly: { type: 'rule', values: rules } } : {}),
          });
          return result.violations.map(({ id, nodes }) => {
            const of = nodes
              .slice(0, 4)
              .map(({ target, any }) => `${target.join(' ')} ${any[0]?.message ?? ''}`.trim());
            return `${id}: ${of.join(' | ')}`;
          });
        },
        [within, only] as const,
      );
      for (const line of lines) found.add(`${theme} ${width}: ${line}`);
    }
  }
  return [...found];
}
