// Events of a run: numbered, timed, logged before they are shown; progress is thinned out. Measures phases.

import type { ProgressEvent, RunEvent, RunEventBody, Stage } from '../protocol/messages';
import type { Reporter } from '../train/control';

const PROGRESS_EVERY_MS = 200;

/** Kinds that are shown but not kept. */
function isTransient(event: RunEventBody): boolean {
  return event.type === 'progress' || event.type === 'liveSample' || event.type === 'checkpoint';
}

export interface RunReporter extends Reporter {
  /** Wall seconds by phase and stage so far. */
  seconds(): Record<string, number>;
  stage(): Stage | null;
  /** The seq of the next event. */
  nextSeq(): number;
  /** Resolves when every event so far is logged and shown. */
  settled(): Promise<void>;
}

/**
 * @param append stores events of the run's log; a failure is reported once and does not stop the run
 * @param show hands an event to the page
 * @param etaSeconds estimates the rest of the run
 * @param from where a resumed run's log and seconds go on
 */
export function createRunReporter(
  runId: string,
  append: (events: RunEvent[]) => Promise<void>,
  show: (event: RunEvent) => void,
  etaSeconds: (progress: Omit<ProgressEvent, 'etaSeconds' | 'type'>) => number | null,
  from: { seq: number; seconds: Record<string, number> } = { seq: 0, seconds: {} },
): RunReporter {
  const seconds: Record<string, number> = { ...from.seconds };
  let { seq } = from;
  let stage: Stage | null = null;
  const began = performance.now();
  let stageBegan = began;
  let lastProgress = 0;
  let lastPhase = '';
  let logFailed = false;
  let tail = Promise.resolve();

  const emit = (body: RunEventBody) => {
    const event: RunEvent = { ...body, runId, seq: seq++, time: Date.now() };
    tail = tail.then(async () => {
      if (!isTransient(body) && !logFailed) {
        try {
          await append([event]);
        } catch (error) {
          logFailed = true;
          const message = `The run's log can no longer be stored: ${error instanceof Error ? error.message : String(error)}`;
          show({ type: 'notice', level: 'warning', code: 'storage.log', message, runId, seq: seq++, time: Date.now() });
        }
      }
      show(event);
    });
  };

  const closeStage = () => {
    const now = performance.now();
    if (stage) seconds[stage] = (seconds[stage] ?? 0) + (now - stageBegan) / 1000;
    stageBegan = now;
  };

  return {
    emit,
    enter(next) {
      closeStage();
      stage = next;
      emit({ type: 'state', state: 'running', stage: next });
    },
    progress({ phase, done, total, unit, step = 0, steps = 0 }) {
      const now = performance.now();
      const key = `${stage}/${phase}`;
      if (key === lastPhase && done < total && now - lastProgress < PROGRESS_EVERY_MS) return;
      lastProgress = now;
      lastPhase = key;
      const report = { stage: stage ?? 'before', phase, done, total, unit, step, steps };
      emit({ type: 'progress', ...report, etaSeconds: etaSeconds(report) });
    },
    async timed(phase, part) {
      const began = performance.now();
      try {
        return await part();
      } finally {
        seconds[phase] = (seconds[phase] ?? 0) + (performance.now() - began) / 1000;
      }
    },
    seconds() {
      closeStage();
      return { ...seconds, total: (from.seconds.total ?? 0) + (performance.now() - began) / 1000 };
    },
    stage: () => stage,
    nextSeq: () => seq,
    settled: () => tail,
  };
}
