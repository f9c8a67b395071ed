// The tasks of the page's main thread by the browser's own trace: CPU time, so that other work on the machine does not
// count. Asserts nothing itself.

import type { CDPSession } from 'playwright';

/** CPU time that one task may take, in ms. */
export const LONGEST_MS = 50;
const CATEGORIES = ['disabled-by-default-devtools.timeline', 'devtools.timeline', '__metadata'];

export interface TraceEvent {
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

/** Records a trace while `work` runs. */
export async function traced(session: CDPSession, work: () => Promise<void>): Promise<TraceEvent[]> {
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
export function mainThreadTasks(events: TraceEvent[]): TraceEvent[] {
  const names = events.filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain');
  const threads = new Set(names.map(({ pid, tid }) => `${pid} ${tid}`));
  const tasks = events.filter(({ name, pid, tid }) => name === 'RunTask' && threads.has(`${pid} ${tid}`));
  return tasks.sort((a, b) => (b.tdur ?? 0) - (a.tdur ?? 0));
}

/** What a task spent its time on, for the message of a failure. */
export function describeTask(events: TraceEvent[], task: TraceEvent): string {
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
