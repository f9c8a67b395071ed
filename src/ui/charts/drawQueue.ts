// Spreads chart drawing over tasks, so that no single task of the page's thread gets long.

const BUDGET_MS = 8;

const jobs = new Map<object, () => void>();
let scheduled = false;

/** Runs `job` soon; a newer job under the same key replaces one that still waits. */
export function scheduleDraw(key: object, job: () => void): void {
  jobs.set(key, job);
  kick();
}

/** Forgets the waiting job of a key. */
export function cancelDraw(key: object): void {
  jobs.delete(key);
}

function kick(): void {
  if (scheduled) return;
  scheduled = true;
  setTimeout(() => void runSome(), 0);
}

async function runSome(): Promise<void> {
  scheduled = false;
  const start = performance.now();
  for (const [key, job] of jobs) {
    jobs.delete(key);
    job();
    // uPlot draws in a microtask of its own: only after it has run is the time known that the chart took.
    await Promise.resolve();
    if (performance.now() - start > BUDGET_MS) break;
  }
  if (jobs.size > 0) kick();
}
