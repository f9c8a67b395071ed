// The log of a run that is about to go on. Until it is known that everything fits, the stored log keeps what an
// interrupted run left, and events wait here.

import type { RunEvent } from '../protocol/messages';

export interface HeldLog {
  append(events: RunEvent[]): Promise<void>;
  /** From here on events are stored, those that waited first. @throws what `prepare` and `write` throw */
  begin(): Promise<void>;
}

/**
 * @param write stores events at the log's end
 * @param prepare makes the stored run ready for them
 */
export function createHeldLog(write: (events: RunEvent[]) => Promise<void>, prepare: () => Promise<void>): HeldLog {
  let begun = false;
  const held: RunEvent[] = [];
  return {
    append: async (events) => {
      if (begun) await write(events);
      else held.push(...events);
    },
    begin: async () => {
      await prepare();
      // While some are written others come.
      while (held.length > 0) {
        const batch = [...held];
        await write(batch);
        held.splice(0, batch.length);
      }
      begun = true;
    },
  };
}
