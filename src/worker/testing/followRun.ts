// A whole run for tests: carried out to its end, with what the page is told.

import type { RunEvent, RunSummary } from '../../protocol/messages';
import { createRunReporter, type LogPosition, type RunReporter } from '../runReporter';
import { runTraining, type RunEnvironment, type TrainingRequest } from '../runTraining';
import { DEAF_ENCODER } from './demoRuns';

export interface Outcome {
  summary: RunSummary;
  /** `code` of every notice, in order. */
  notices: string[];
  events: RunEvent[];
}

/** Runs to the end, and collects what the page is told. @param append keeps the log @param from where log and clock go on */
export async function followRun(
  request: TrainingRequest,
  given: Pick<RunEnvironment, 'control' | 'checkpoint' | 'onOpened'> & { onEvent?: (event: RunEvent) => void },
  append: (batch: RunEvent[]) => Promise<void>,
  from?: LogPosition,
): Promise<Outcome> {
  const events: RunEvent[] = [];
  const show = (event: RunEvent): void => {
    events.push(event);
    given.onEvent?.(event);
  };
  let reporter: RunReporter | undefined;
  const summary = await runTraining(request, {
    ...given,
    encoder: DEAF_ENCODER,
    createReporter: (estimate) => (reporter = createRunReporter(request.runId, append, show, estimate, from)),
  });
  await reporter?.stored();
  const notices = events.flatMap((event) => (event.type === 'notice' ? [event.code] : []));
  return { summary, notices, events };
}

/** Pictures that a run put through the vision tower beforehand. */
export function encodedPictures({ events }: Outcome): number {
  return events.filter((event) => event.type === 'progress' && event.phase === 'encode' && event.unit === 'pictures')
    .length;
}
