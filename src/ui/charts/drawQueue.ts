// Spreads chart drawing over tasks, so that no single task of the page's thread gets long.

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
  setTimeout(runNext, 0);
}

/** One job a task: what a chart costs is not known when its job returns, for it draws later and is filled in later yet. */
function runNext(): void {
  scheduled = false;
  const [next] = jobs;
  if (!next) return;
  const [key, job] = next;
  jobs.delete(key);
  job();
  if (jobs.size > 0) kick();
}
