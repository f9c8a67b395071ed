// From the trainer's events to what the Run page shows. Pure: no clock, no storage, no DOM.

import { STAGES } from '../../protocol/messages';
import type {
  GroupRecord,
  ProgressEvent,
  ResumedEvent,
  RunEvent,
  RunState,
  Stage,
  StepEvent,
} from '../../protocol/messages';
import type { RunView, StepPoint } from './runView';

const LIVE_KEPT = 12;

/** Applies events in order and returns a new view; events of other runs are ignored. */
export function reduceRun(view: RunView, events: readonly RunEvent[]): RunView {
  const mine = events.filter((event) => event.runId === view.runId);
  if (mine.length === 0) return view;
  // Containers are copied once per batch, so that a batch costs one copy however many events it holds.
  const draft: Draft = {
    ...view,
    points: [...view.points],
    evaluations: [...view.evaluations],
    groups: new Map(view.groups),
    live: [...view.live],
    notices: [...view.notices],
  };
  for (const event of mine) applyEvent(draft, event);
  keepIdentity(draft, view, mine);
  return draft;
}

type Draft = RunView & { groups: Map<number, GroupRecord[]> };

/** Restores the old containers where nothing was added, so that selectors can compare by identity. */
function keepIdentity(draft: Draft, view: RunView, events: readonly RunEvent[]): void {
  const has = (type: RunEvent['type']): boolean => events.some((event) => event.type === type);
  if (has('resumed')) return;
  if (!has('step')) draft.points = view.points;
  if (!has('evaluation')) draft.evaluations = view.evaluations;
  if (!has('groups')) draft.groups = view.groups as Draft['groups'];
  if (!has('liveSample')) draft.live = view.live;
  if (!has('notice')) draft.notices = view.notices;
}

function applyEvent(draft: Draft, event: RunEvent): void {
  if (draft.startedAt === 0) draft.startedAt = event.time;
  // Before the newest time moves on: the gap up to a new start was no work.
  if (event.type === 'resumed' || (event.type === 'state' && event.state === 'loading')) addIdle(draft, event.time);
  if (event.type === 'resumed') applyResumed(draft, event);
  draft.lastTime = Math.max(draft.lastTime, event.time);
  // A refusal to resume is not part of the log and counts from 0; only a resumption goes back.
  draft.lastSeq = event.type === 'resumed' ? event.seq : Math.max(draft.lastSeq, event.seq);
  switch (event.type) {
    case 'state':
      return applyState(draft, event.state, event.stage, event.time);
    case 'progress':
      return applyProgress(draft, event);
    case 'step':
      return applyStep(draft, event);
    case 'groups':
      draft.groups.set(event.step, event.groups);
      return;
    case 'evaluation':
      draft.evaluations.push({
        when: event.when,
        stage: event.stage,
        step: event.step,
        time: event.time - draft.pausedMs,
        result: event.result,
        samples: event.samples,
      });
      return;
    case 'liveSample':
      draft.live.unshift({ stage: event.stage, seq: event.seq, sample: event.sample });
      draft.live.length = Math.min(draft.live.length, LIVE_KEPT);
      return;
    case 'notice':
      draft.notices.push({ seq: event.seq, level: event.level, code: event.code, message: event.message });
      return;
    case 'error':
      draft.error = event.error;
      return;
    case 'finished':
      draft.summary = event.summary;
      return;
    case 'checkpoint':
      draft.checkpoint = { stage: event.stage, step: event.step, time: event.time };
      return;
    case 'resumed': // applied above
      return;
    default:
      event satisfies never;
  }
}

function applyState(draft: Draft, state: RunState, stage: Stage | null, time: number): void {
  if (draft.pausedSince !== null && state !== 'paused') {
    draft.pausedMs += time - draft.pausedSince;
    draft.pausedSince = null;
  }
  if (state === 'paused' && draft.pausedSince === null) draft.pausedSince = time;
  // A run that loads again has not ended after all.
  if (state === 'loading') forgetEnd(draft);
  draft.state = state === 'failed' && draft.error?.code === 'run.locked' ? 'elsewhere' : state;
  if (stage) draft.stage = stage;
}

function forgetEnd(draft: Draft): void {
  draft.error = null;
  draft.summary = null;
}

function addIdle(draft: Draft, until: number): void {
  if (draft.lastTime > 0) draft.pausedMs += Math.max(0, until - (draft.pausedSince ?? draft.lastTime));
  draft.pausedSince = null;
}

/** Back to where the checkpoint was taken. A log has been cut there already; a view that went on has not. */
function applyResumed(draft: Draft, event: ResumedEvent): void {
  forgetEnd(draft);
  draft.state = 'loading';
  draft.stage = event.stage;
  draft.progress = null;
  draft.phases = [];
  draft.live = [];
  const here = orderOf(event.stage, event.step);
  draft.points = draft.points.filter(({ stage, step }) => orderOf(stage, step) <= here);
  draft.evaluations = draft.evaluations.filter(({ stage, step }) => orderOf(stage, step) <= here);
  for (const step of draft.groups.keys()) if (orderOf('grpo', step) > here) draft.groups.delete(step);
}

/** Sorts by stage, then by step within it. */
function orderOf(stage: Stage, step: number): number {
  return STAGES.indexOf(stage) * 1e9 + step;
}

function applyProgress(draft: Draft, event: ProgressEvent & { time: number }): void {
  const before = draft.progress;
  const sameStep = before !== null && before.stage === event.stage && before.step === event.step;
  if (!sameStep) draft.phases = [event.phase];
  else if (!draft.phases.includes(event.phase)) draft.phases = [...draft.phases, event.phase];
  draft.progress = event;
  draft.stage = event.stage;
  if ((event.stage === 'sft' || event.stage === 'grpo') && event.steps > 0) {
    draft.planned = { ...draft.planned, [event.stage]: event.steps };
  }
}

function applyStep(draft: Draft, event: StepEvent & { time: number }): void {
  // A resumed run repeats the steps after its checkpoint: the newer report replaces the older ones.
  const order = orderOf(event.stage, event.step);
  const last = (): StepPoint | undefined => draft.points[draft.points.length - 1];
  for (let point = last(); point && orderOf(point.stage, point.step) >= order; point = last()) draft.points.pop();
  const time = event.time - draft.pausedMs;
  draft.points.push({ stage: event.stage, step: event.step, time, metrics: event.metrics });
  draft.stage = event.stage;
  draft.planned = { ...draft.planned, [event.stage]: event.steps };
}
