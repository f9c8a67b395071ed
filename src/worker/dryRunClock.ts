// The clock of a dry run: a reporter that keeps what it is told of times, and shows nothing of a run but its notices.

import type { MeasuredPart, NoticeEvent } from '../protocol/messages';
import { StopRequested, type Reporter } from '../train/control';

/** Each part is measured for so long at least: short ones are repeated until their figure is steady. */
const STEADY_SECONDS = 1;
/** Ends the repeating of what says that it takes next to nothing. */
const MOST_SECONDS = 5;
const MOST_REPEATS = 200;
/** What takes longer the first time is not done a second time: what its shaders cost is little of it. */
export const TOO_LONG_SECONDS = 60;

/** Seconds by name; `total` is what counts as the whole. */
export type Times = Record<string, number> & { total: number };

export interface DryClock {
  reporter: Reporter;
  /** Seconds that the parts of `timed` took so far, by phase. */
  seconds: Record<string, number>;
  /** Sums of the steps' metrics so far, by name: of those that are seconds. */
  metrics: Record<string, number>;
  /** When each picture that a tower computes before it leaves was done, in seconds. */
  pictures: number[];
  /** Seconds that first times took longer than those after them. */
  firstUse: number;
  /** @throws StopRequested once the dry run is to end */
  goOn(): void;
  enter(part: MeasuredPart): void;
  /**
   * Does `work` once to warm up, then until its times are steady, or it has taken long enough.
   * @param isWarm it has been done before, in another size @returns their means
   */
  steady(work: () => Promise<Times>, isWarm?: boolean): Promise<Times>;
}

function meanOf(all: readonly Times[]): Times {
  const sum = (name: string): number => all.reduce((total, times) => total + (times[name] ?? 0), 0);
  const names = Object.keys(all[0] ?? {});
  return { total: 0, ...Object.fromEntries(names.map((name) => [name, sum(name) / all.length])) };
}

/** Seconds of a part. */
export async function secondsOf(part: () => Promise<unknown>): Promise<Times> {
  const began = performance.now();
  await part();
  return { total: (performance.now() - began) / 1000 };
}

/** What the clock asks and tells. */
export interface DryClockOwner {
  /** Whether the dry run is to end. */
  isStopped(): boolean;
  /** Told what is measured now, and how much of it is done. */
  show(part: MeasuredPart, done: number, total: number): void;
  /** Told what a run would tell its user. */
  notice(event: NoticeEvent): void;
}

function added(sums: Readonly<Record<string, number>>, more: Readonly<Record<string, number>>): Record<string, number> {
  return { ...sums, ...Object.fromEntries(Object.entries(more).map(([name, own]) => [name, own + (sums[name] ?? 0)])) };
}

/** A clock that stands at nothing. */
export function createDryClock({ isStopped, show, notice }: DryClockOwner): DryClock {
  const goOn = (): void => {
    if (isStopped()) throw new StopRequested();
  };
  let part: MeasuredPart = 'load';
  const clock: DryClock = {
    seconds: {},
    metrics: {},
    pictures: [],
    firstUse: 0,
    goOn,
    enter(next) {
      goOn();
      part = next;
      show(part, 0, 1);
    },
    async steady(work, isWarm = false) {
      const first = isWarm ? null : await work();
      if (first && first.total > TOO_LONG_SECONDS) return first;
      const all: Times[] = [];
      const began = performance.now();
      for (let spent = 0; spent < STEADY_SECONDS && all.length < MOST_REPEATS;) {
        goOn();
        const times = await work();
        spent += times.total;
        all.push(times);
        if (performance.now() - began > 1000 * MOST_SECONDS) break;
      }
      const mean = meanOf(all);
      if (first) clock.firstUse += Math.max(0, first.total - mean.total);
      return mean;
    },
    reporter: {
      emit: (event) => {
        if (event.type === 'step') clock.metrics = added(clock.metrics, event.metrics);
        if (event.type === 'notice') notice(event);
      },
      progress({ done, total, unit }) {
        goOn();
        if (unit === 'pictures') clock.pictures.push(performance.now() / 1000);
        if (part === 'load') show(part, done, total);
      },
      enter: () => undefined,
      now: () => performance.now(),
      async timed(phase, own) {
        const began = performance.now();
        try {
          return await own();
        } finally {
          clock.seconds[phase] = (clock.seconds[phase] ?? 0) + (performance.now() - began) / 1000;
        }
      },
    },
  };
  return clock;
}
