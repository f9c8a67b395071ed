// Events of a run: numbered, timed, logged before they are shown; progress is thinned out. Measures phases.

import type { ProgressEvent, RunEvent, RunEventBody, Stage } from '../protocol/messages';
import type { Reporter } from '../train/control';
import { createLogKeeper } from './logKeeper';

const PROGRESS_EVERY_MS = 200;

/** Kinds that are shown but not kept. */
function isTransient(event: RunEventBody): boolean {
  return event.type === 'progress' || event.type === 'liveSample' || event.type === 'checkpoint';
}

export interface RunReporter extends Reporter {
  /** Counts a time that the run was held up in the middle of a step. */
  held(elapsedMs: number): void;
  /** Wall seconds by phase and stage so far; what was held up counts with no phase. */
  seconds(): Record<string, number>;
  stage(): Stage | null;
  /**
   * Resolves when every event so far is shown and in the log, with the seq of the next one.
   * @throws what `append` throws for what the log still lacks
   */
  stored(): Promise<number>;
}

/** Where a resumed run's log goes on. */
export interface LogPosition {
  seq: number;
  seconds: Record<string, number>;
  /** Newest time in the log so far, epoch ms. */
  time: number;
}

/**
 * A clock for a log: epoch ms by the machine's clock as it begins, but never before `from`, and from then on by a
 * clock that nobody sets.
 */
function logClock(from: number): () => number {
  const start = Math.max(Date.now(), from);
  const began = performance.now();
  return () => start + Math.floor(performance.now() - began);
}

/**
 * @param append stores events of the run's log; a failure does not stop the run (see logKeeper)
 * @param show hands an event to the page
 * @param etaSeconds estimates the rest of the run
 * @param from where a resumed run's log goes on; times in a log never go back, whatever happens to the machine's clock
 */
export function createRunReporter(
  runId: string,
  append: (events: RunEvent[]) => Promise<void>,
  show: (event: RunEvent) => void,
  etaSeconds: (progress: Omit<ProgressEvent, 'etaSeconds' | 'type'>) => number | null,
  from: LogPosition = { seq: 0, seconds: {}, time: 0 },
): RunReporter {
  const seconds: Record<string, number> = { ...from.seconds };
  let { seq } = from;
  const logTime = logClock(from.time);
  let heldMs = 0;
  const now = () => performance.now() - heldMs;
  let stage: Stage | null = null;
  const began = performance.now();
  let stageBegan = began;
  let lastProgress = 0;
  let lastPhase = '';
  let tail = Promise.resolve();

  const stamp = (body: RunEventBody): RunEvent => ({ ...body, runId, seq: seq++, time: logTime() });
  const log = createLogKeeper(append, (notice) => {
    const event = stamp(notice);
    show(event);
    return event;
  });
  const emit = (body: RunEventBody): void => {
    const event = stamp(body);
    tail = tail.then(async () => {
      if (!isTransient(body)) await log.keep(event);
      show(event);
    });
  };
  const stored = async (): Promise<number> => {
    for (;;) {
      const upTo = seq;
      const flushed = tail.then(() => log.flush());
      tail = flushed.catch(() => undefined);
      await flushed;
      // What was emitted meanwhile counts too.
      if (seq === upTo) return seq;
    }
  };

  const closeStage = () => {
    const ended = performance.now();
    if (stage) seconds[stage] = (seconds[stage] ?? 0) + (ended - stageBegan) / 1000;
    stageBegan = ended;
  };

  return {
    emit,
    enter(next, state) {
      closeStage();
      stage = next;
      emit({ type: 'state', state, stage: next });
    },
    progress({ phase, done, total, unit, step = 0, steps = 0 }) {
      const at = performance.now();
      const key = `${stage}/${phase}`;
      if (key === lastPhase && done < total && at - lastProgress < PROGRESS_EVERY_MS) return;
      lastProgress = at;
      lastPhase = key;
      const report = { stage: stage ?? 'before', phase, done, total, unit, step, steps };
      emit({ type: 'progress', ...report, etaSeconds: etaSeconds(report) });
    },
    now,
    held: (elapsedMs) => void (heldMs += elapsedMs),
    async timed(phase, part) {
      const began = now();
      try {
        return await part();
      } finally {
        seconds[phase] = (seconds[phase] ?? 0) + (now() - began) / 1000;
      }
    },
    seconds() {
      closeStage();
      return { ...seconds, total: (from.seconds.total ?? 0) + (performance.now() - began) / 1000 };
    },
    stage: () => stage,
    stored,
  };
}
