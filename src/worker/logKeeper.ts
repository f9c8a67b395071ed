// Stores the events of a run's log in their order. What the disk does not take waits, and goes before what comes next.

import { toErrorRecord } from '../base/errors';
import type { NoticeEvent, RunEvent } from '../protocol/messages';

export interface LogKeeper {
  /** Takes an event, and stores it and what waits; a disk that takes nothing is a notice, once until it works again. */
  keep(event: RunEvent): Promise<void>;
  /** Stores what waits. @throws what the disk says; then it still waits */
  flush(): Promise<void>;
}

/** Events that are stored at once: a long wait makes no single write large. */
const BATCH = 16;

const WRITTEN: NoticeEvent = {
  type: 'notice',
  level: 'info',
  code: 'storage.logWritten',
  message: 'The run’s log can be stored again: nothing of it is missing.',
};

function failureNotice(error: unknown): NoticeEvent {
  const { message, hint } = toErrorRecord(error);
  const rest =
    'The run goes on and keeps in memory what could not be stored, and tries again with every event; what is not ' +
    'stored by the time this tab closes is missing from its charts and tables.';
  const text = [`The run’s log cannot be stored: ${message}`, hint, rest];
  return { type: 'notice', level: 'warning', code: 'storage.log', message: text.filter(Boolean).join(' ') };
}

/**
 * @param append stores events, all of them or none; the same again is harmless
 * @param notify shows a notice @returns it as an event, which the log gets too
 */
export function createLogKeeper(
  append: (events: RunEvent[]) => Promise<void>,
  notify: (notice: NoticeEvent) => RunEvent,
): LogKeeper {
  const waiting: RunEvent[] = [];
  let failing = false;

  const flush = async (): Promise<void> => {
    try {
      while (waiting.length > 0) {
        const batch = waiting.slice(0, BATCH);
        await append(batch);
        waiting.splice(0, batch.length);
      }
    } catch (error) {
      if (!failing) waiting.push(notify(failureNotice(error)));
      failing = true;
      throw error;
    }
    if (!failing) return;
    failing = false;
    waiting.push(notify(WRITTEN));
    await flush();
  };

  return {
    keep: async (event) => {
      waiting.push(event);
      // Its notice says it, and the event waits.
      await flush().catch(() => undefined);
    },
    flush,
  };
}
