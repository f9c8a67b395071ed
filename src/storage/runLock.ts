// One live run per id in all tabs of the browser: a run that two tabs trained would have two logs.

import { LorikeetError } from '../base/errors';

/** The Web Lock that a live run holds; free for a stored run that is `running` means it was interrupted. */
export function runLockName(runId: string): string {
  return `lorikeet-run-${runId}`;
}

/** Does `work` while holding the run. The browser frees it when the tab or the worker ends. @throws run.locked */
export async function holdRun<T>(runId: string, work: () => Promise<T>): Promise<T> {
  return (await navigator.locks.request(runLockName(runId), { ifAvailable: true }, (lock) => {
    if (lock) return work();
    throw new LorikeetError(
      'run.locked',
      'This run is under way in another tab.',
      'Go to that tab, or close it and try again here.',
    );
  })) as T;
}
