// What the Run page knows of a run. Plain data; src/ui/store/runReducer.ts makes it from the trainer's events.

import type { ErrorRecord } from '../../base/errors';
import type {
  EvaluationEvent,
  EvaluationSample,
  GroupRecord,
  NoticeEvent,
  Phase,
  ProgressEvent,
  RunState,
  RunSummary,
  Stage,
} from '../../protocol/messages';

/** One optimizer step as the charts need it. */
export interface StepPoint {
  stage: 'sft' | 'grpo';
  /** 1-based within the stage. */
  step: number;
  /** Epoch milliseconds, less the time that the run had been idle: differences are time worked. */
  time: number;
  metrics: Record<string, number>;
}

export interface EvaluationPoint {
  when: EvaluationEvent['when'];
  stage: Stage;
  step: number;
  /** As of a StepPoint. */
  time: number;
  result: EvaluationEvent['result'];
  samples: EvaluationSample[];
}

/** What stays in memory of a GRPO step's groups. */
export interface GroupStep {
  step: number;
  /** Of the events that hold the groups, one a rollout: their keys in the stored log. */
  seqs: number[];
  completions: number;
  /** How many of them are in the wanted form. */
  inForm: number;
}

export interface Notice {
  seq: number;
  level: NoticeEvent['level'];
  code: string;
  message: string;
}

/** The newest checkpoint that the trainer has reported to this page. */
export interface CheckpointView {
  stage: Stage;
  step: number;
  /** Epoch milliseconds. */
  time: number;
}

/** A run's own state, or what the page knows of a run that it only has the log of. */
export type ViewState =
  | RunState
  /** Its page or browser went away while it was under way. */
  | 'interrupted'
  /** Another tab trains it. */
  | 'elsewhere';

export interface RunView {
  runId: string;
  state: ViewState;
  stage: Stage | null;
  /** Epoch milliseconds of the first and the last event; 0 before any. */
  startedAt: number;
  lastTime: number;
  /** How far the view has the run's log: the seq of its newest event; -1 before any. */
  lastSeq: number;
  /** Milliseconds that the run stood still: closed pauses, and from a stop to the resumption. */
  pausedMs: number;
  /** Begin of the pause under way. */
  pausedSince: number | null;
  /** Planned optimizer steps by stage; null until a report names them. */
  planned: { sft: number | null; grpo: number | null };
  points: StepPoint[];
  evaluations: EvaluationPoint[];
  /** The GRPO steps that reported groups, in order. */
  groupSteps: GroupStep[];
  /** GRPO step -> its groups, of the newest steps only; runLog.ts reads the others from storage. */
  groups: ReadonlyMap<number, GroupRecord[]>;
  /** Newest first, the last few only. */
  live: { stage: Stage; seq: number; sample: EvaluationSample }[];
  progress: (ProgressEvent & { time: number }) | null;
  checkpoint: CheckpointView | null;
  /** Phases reported in the current step (or evaluation), in order of appearance. */
  phases: Phase[];
  notices: Notice[];
  error: ErrorRecord | null;
  summary: RunSummary | null;
}

/** An empty view for a run; `planned` may come from its recipe. */
export function emptyRun(runId: string, planned: RunView['planned'] = { sft: null, grpo: null }): RunView {
  return {
    runId,
    state: 'idle',
    stage: null,
    startedAt: 0,
    lastTime: 0,
    lastSeq: -1,
    pausedMs: 0,
    pausedSince: null,
    planned,
    points: [],
    evaluations: [],
    groupSteps: [],
    groups: new Map(),
    live: [],
    progress: null,
    checkpoint: null,
    phases: [],
    notices: [],
    error: null,
    summary: null,
  };
}
