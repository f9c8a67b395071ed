// The page stays responsive while it trains: no task of its main thread takes long, by the browser's own trace.

import type { CDPSession } from 'playwright';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeRecipe } from './dataFolder';
import { openApp } from './openApp';
import type { App } from './openApp';
import { importRecipe, openPage, startTraining, waitForEnd } from './pageDriver';

/** CPU time that one task may take, in ms. */
const LONGEST_MS = 50;
const CATEGORIES = ['disabled-by-default-devtools.timeline', 'devtools.timeline', '__metadata'];

interface TraceEvent {
  name: string;
  ph: string;
  pid: number;
  tid: number;
  ts: number;
  dur?: number;
  /** CPU time of the thread in µs. */
  tdur?: number;
  args?: { name?: string; data?: { functionName?: string; url?: string } };
}

let app: App;

beforeAll(async () => {
  app = await openApp();
});

afterAll(async () => {
  await app.close();
});

/** Records a trace while `work` runs. */
async function traced(session: CDPSession, work: () => Promise<void>): Promise<TraceEvent[]> {
  const events: TraceEvent[] = [];
  session.on('Tracing.dataCollected', ({ value }) => events.push(...(value as unknown as TraceEvent[])));
  const traceConfig = { includedCategories: CATEGORIES, excludedCategories: ['*'] };
  await session.send('Tracing.start', { transferMode: 'ReportEvents', traceConfig });
  await work();
  const complete = new Promise<void>((resolve) => session.once('Tracing.tracingComplete', () => resolve()));
  await session.send('Tracing.end');
  await complete;
  return events;
}

/** Tasks of the main threads of pages, the longest by CPU time first. */
function mainThreadTasks(events: TraceEvent[]): TraceEvent[] {
  const names = events.filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain');
  const threads = new Set(names.map(({ pid, tid }) => `${pid} ${tid}`));
  const tasks = events.filter(({ name, pid, tid }) => name === 'RunTask' && threads.has(`${pid} ${tid}`));
  return tasks.sort((a, b) => (b.tdur ?? 0) - (a.tdur ?? 0));
}

/** What a task spent its time on, for the message of a failure. */
function describeTask(events: TraceEvent[], task: TraceEvent): string {
  const end = task.ts + (task.dur ?? 0);
  const within = events.filter(
    ({ name, pid, tid, ts, dur = 0 }) =>
      pid === task.pid && tid === task.tid && name !== 'RunTask' && ts >= task.ts && ts + dur <= end,
  );
  const longest = within.sort((a, b) => (b.tdur ?? 0) - (a.tdur ?? 0)).slice(0, 6);
  const parts = longest.map(({ name, tdur = 0, args }) => {
    const { functionName = '', url = '' } = args?.data ?? {};
    return `${name} ${functionName} ${url.split('/').pop()} ${(tdur / 1000).toFixed(1)} ms`;
  });
  return `${((task.tdur ?? 0) / 1000).toFixed(1)} ms: ${parts.join('; ')}`;
}

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
