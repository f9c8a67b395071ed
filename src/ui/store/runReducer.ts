// From the trainer's events to what the Run page shows. Pure: no clock, no storage, no DOM.

import { STAGES } from '../../protocol/messages';
import type {
  GroupRecord,
  GroupsEvent,
  ProgressEvent,
  ResumedEvent,
  RunEvent,
  RunState,
  Stage,
  StepEvent,
} from '../../protocol/messages';
import type { RunView, StepPoint } from './runView';

const LIVE_KEPT = 12;

/** Steps whose completions stay in memory. */
const GROUPS_KEPT = 200;

/** A view in the making: takes events in as many parts as the caller likes. */
export interface Reduction {
  /** Applies events in order; those of other runs are ignored. */
  take(events: readonly RunEvent[]): void;
  /** The view so far; the reduction ends with it. */
  end(): RunView;
}

/** Goes on from a view, which stays as it is. Containers are copied once, however many events there are. */
export function beginReduction(view: RunView): Reduction {
  const draft: Draft = {
    ...view,
    points: [...view.points],
    evaluations: [...view.evaluations],
    groupSteps: [...view.groupSteps],
    groups: new Map(view.groups),
    live: [...view.live],
    notices: [...view.notices],
  };
  const seen = new Set<RunEvent['type']>();
  return {
    take(events) {
      for (const event of events) {
        if (event.runId !== view.runId) continue;
        applyEvent(draft, event);
        seen.add(event.type);
      }
    },
    end() {
      if (seen.size === 0) return view;
      keepIdentity(draft, view, seen);
      return draft;
    },
  };
}

/** Applies events in order and returns a new view; events of other runs are ignored. */
export function reduceRun(view: RunView, events: readonly RunEvent[]): RunView {
  const reduction = beginReduction(view);
  reduction.take(events);
  return reduction.end();
}

type Draft = RunView & { groups: Map<number, GroupRecord[]> };

/** Restores the old containers where nothing was added, so that selectors can compare by identity. */
function keepIdentity(draft: Draft, view: RunView, seen: ReadonlySet<RunEvent['type']>): void {
  if (seen.has('resumed')) return;
  // Groups of a repeated step take its point back.
  if (!seen.has('step') && !seen.has('groups')) draft.points = view.points;
  if (!seen.has('evaluation')) draft.evaluations = view.evaluations;
  if (!seen.has('groups')) {
    draft.groupSteps = view.groupSteps;
    draft.groups = view.groups as Draft['groups'];
  }
  if (!seen.has('liveSample')) draft.live = view.live;
  if (!seen.has('notice')) draft.notices = view.notices;
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
      return applyGroups(draft, event);
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
  dropGroupsFrom(draft, here + 1 - orderOf('grpo', 0));
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

/** A step with several rollouts reports each of them; their groups are the step's together. */
function applyGroups(draft: Draft, { step, seq, groups }: GroupsEvent & { seq: number }): void {
  // A step reports itself after its groups: groups of a reported step are those of its repetition.
  const newest = draft.points.at(-1);
  if (newest && orderOf(newest.stage, newest.step) >= orderOf('grpo', step)) {
    dropPointsFrom(draft, 'grpo', step);
    dropGroupsFrom(draft, step);
  }
  const completions = groups.flatMap((group) => group.completions);
  const inForm = completions.filter((completion) => completion.inForm).length;
  const known = draft.groupSteps.at(-1);
  const before = known?.step === step ? known : null;
  if (before) draft.groupSteps.pop();
  draft.groupSteps.push({
    step,
    seqs: [...(before?.seqs ?? []), seq],
    completions: (before?.completions ?? 0) + completions.length,
    inForm: (before?.inForm ?? 0) + inForm,
  });
  draft.groups.set(step, before ? [...(draft.groups.get(step) ?? []), ...groups] : groups);
  const old = draft.groupSteps[draft.groupSteps.length - 1 - GROUPS_KEPT];
  if (old) draft.groups.delete(old.step);
}

function dropGroupsFrom(draft: Draft, step: number): void {
  draft.groupSteps = draft.groupSteps.filter((known) => known.step < step);
  for (const known of draft.groups.keys()) if (known >= step) draft.groups.delete(known);
}

function dropPointsFrom(draft: Draft, stage: Stage, step: number): void {
  const order = orderOf(stage, step);
  const last = (): StepPoint | undefined => draft.points.at(-1);
  for (let point = last(); point && orderOf(point.stage, point.step) >= order; point = last()) draft.points.pop();
}

function applyStep(draft: Draft, event: StepEvent & { time: number }): void {
  // A resumed run repeats the steps after its checkpoint: the newer report replaces the older ones.
  dropPointsFrom(draft, event.stage, event.step);
  const time = event.time - draft.pausedMs;
  draft.points.push({ stage: event.stage, step: event.step, time, metrics: event.metrics });
  draft.stage = event.stage;
  draft.planned = { ...draft.planned, [event.stage]: event.steps };
}
