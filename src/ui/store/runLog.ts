// Reads a run's stored log into a view, and a step's completions from it. Batch by batch: a log of thousands of steps
// must not hold up the page.

import type { GroupRecord, RunEvent } from '../../protocol/messages';
import { countEvents, readEventBatches, readEventsAt } from '../../storage/runs';
import { beginReduction } from './runReducer';
import type { GroupStep, RunView } from './runView';

export interface LogPart {
  /** First and past the last event that counts; left out: from the start, to the end. */
  fromSeq?: number;
  beforeSeq?: number;
  /** Hears how far the reading is, as a share of the events. */
  progress?(share: number): void;
}

/**
 * Goes on from a view with the events of its run's log.
 * @returns the view itself when the log has none in that part
 * @throws LorikeetError storage.failed
 */
export async function readLog(
  view: RunView,
  { fromSeq, beforeSeq = Infinity, progress }: LogPart = {},
): Promise<RunView> {
  const reduction = beginReduction(view);
  const all = progress ? await countEvents(view.runId) : 0;
  let done = 0;
  for await (const batch of readEventBatches(view.runId, fromSeq)) {
    reduction.take((batch as RunEvent[]).filter(({ seq }) => seq < beforeSeq));
    if (batch[batch.length - 1]!.seq >= beforeSeq) break;
    done += batch.length;
    progress?.(Math.min(1, done / all));
  }
  return reduction.end();
}

/**
 * The groups of a step, from the stored log.
 * @returns null where the log does not hold them all: it could not be written when the step was taken
 * @throws LorikeetError storage.failed
 */
export async function readGroups(runId: string, { step, seqs }: GroupStep): Promise<GroupRecord[] | null> {
  const events = (await readEventsAt(runId, seqs)) as (RunEvent | undefined)[];
  const parts = events.map((event) => (event?.type === 'groups' && event.step === step ? event.groups : null));
  return parts.includes(null) ? null : parts.flatMap((groups) => groups ?? []);
}
