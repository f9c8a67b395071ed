// How fast bytes arrive, over the last seconds, and how long the rest takes. Pure: the caller has the clock.

const WINDOW_MS = 10_000;
/** A shorter look says nothing. */
const LEAST_MS = 500;

export interface RateMeter {
  /** Notes that `total` bytes were there at `now` (ms). */
  note(total: number, now: number): void;
  /** Bytes a second over the last ten; null while too little has been seen. */
  bytesPerSecond(now: number): number | null;
}

/** A meter that has seen nothing yet. */
export function createRateMeter(): RateMeter {
  let seen: { total: number; time: number }[] = [];
  return {
    note: (total, time) => {
      const last = seen.at(-1);
      // What is begun anew counts from there.
      if (last && total < last.total) seen = [];
      seen.push({ total, time });
      const older = seen.findLastIndex((one) => one.time <= time - WINDOW_MS);
      if (older > 0) seen = seen.slice(older);
    },
    bytesPerSecond: (now) => {
      const [first] = seen;
      const last = seen.at(-1);
      if (!first || !last || now - first.time < LEAST_MS) return null;
      return ((last.total - first.total) * 1000) / (now - first.time);
    },
  };
}

/** Seconds for the rest; null while the rate is unknown or nothing arrives. */
export function secondsLeft(remaining: number, bytesPerSecond: number | null): number | null {
  return bytesPerSecond === null || bytesPerSecond <= 0 ? null : remaining / bytesPerSecond;
}
