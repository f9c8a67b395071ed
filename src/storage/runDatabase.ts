// The one database of runs: records, event logs, artifacts and checkpoint records. Knows names and keys only.

import { openDatabase } from './database';

/** Version 2 added `checkpoints`. */
export const runDatabase = openDatabase('lorikeet-runs', ['runs', 'events', 'artifacts', 'checkpoints'], 2);

/** All keys [runId, x], or those with x from `from` on: an array sorts after every number and string. */
export function ofRun(runId: string, from?: number): IDBKeyRange {
  return IDBKeyRange.bound(from === undefined ? [runId] : [runId, from], [runId, []]);
}
