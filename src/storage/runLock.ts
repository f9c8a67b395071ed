// One live run per id in all tabs of the browser: a run that two tabs trained would have two logs.

import { LorikeetError } from '../base/errors';

const PREFIX = 'lorikeet-run-';

/** Ids of the runs that some tab of this browser holds. A stored run that is `running` and not held was interrupted. */
export async function heldRuns(): Promise<Set<string>> {
  const { held = [] } = await navigator.locks.query();
  const names = held.flatMap(({ name }) => (name?.startsWith(PREFIX) ? [name.slice(PREFIX.length)] : []));
  return new Set(names);
}

/** Does `work` while holding the run. The browser frees it when the tab or the worker ends. @throws run.locked */
export async function holdRun<T>(runId: string, work: () => Promise<T>): Promise<T> {
  return await navigator.locks.request(PREFIX + runId, { ifAvailable: true }, (lock) => {
    if (lock) return work();
    throw new LorikeetError(
      'run.locked',
      'This run is under way in another tab.',
      'Go to that tab, or close it and try again here.',
    );
  });
}
