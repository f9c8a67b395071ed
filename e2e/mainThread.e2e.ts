// The page stays responsive while it trains: no task of its main thread takes long, by the browser's own trace.

import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeRecipe } from './dataFolder';
import { openApp } from './openApp';
import type { App } from './openApp';
import { importRecipe, openPage, startTraining, waitForEnd } from './pageDriver';
import { describeTask, LONGEST_MS, mainThreadTasks, traced } from './taskTrace';

let app: App;

beforeAll(async () => {
  app = await openApp();
});

afterAll(async () => {
  await app.close();
});

test('while a run goes, no task of the page’s main thread takes over 50 ms of CPU time', async () => {
  const { page } = app;
  await openPage(page, app.origin);
  await importRecipe(page, await writeRecipe(app.folder, { sftSteps: 4, grpoSteps: 3, evalRows: 6 }));
  const session = await page.context().newCDPSession(page);
  const events = await traced(session, async () => {
    await startTraining(page);
    expect(await waitForEnd(page)).toEqual({ title: expect.stringMatching(/^Finished in/) as string });
    await page.waitForTimeout(1000);
  });
  const tasks = mainThreadTasks(events);
  expect(tasks.length).toBeGreaterThan(100);
  expect(tasks[0]!.tdur).toBeGreaterThan(0);
  const [longest] = tasks;
  console.log(`longest main-thread task of ${tasks.length}: ${describeTask(events, longest!)}`);
  const tooLong = tasks.filter(({ tdur = 0 }) => tdur / 1000 > LONGEST_MS);
  expect(tooLong.map((task) => describeTask(events, task))).toEqual([]);
  expect(app.errors).toEqual([]);
});
