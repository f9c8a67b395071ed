// Several connections of one file that may wait, each for itself: the file waits when all that are left of them do.

import type { Net } from './net';

export interface SharedWaiting {
  /** One more connection: what it tells of its waits, and that it has done all that it had to do. */
  join(): { waiting: Net['waiting']; end(): void };
}

/**
 * Passes on each wait, with whether others go on meanwhile.
 * @param count of connections that will join
 */
export function shareWaiting(waiting: Net['waiting'], count: number): SharedWaiting {
  let left = count;
  let waiters = 0;
  let last = '';
  return {
    join: () => ({
      waiting: (reason, ms) => {
        waiters += reason === null ? -1 : 1;
        if (reason !== null) last = reason;
        waiting(reason, ms, waiters < left);
      },
      end: () => {
        left--;
        // Those that wait were not alone until now.
        if (left > 0 && waiters === left) waiting(last, 0, false);
      },
    }),
  };
}
