// What a stored run is now: its record says how it ended, the browser's locks say whether someone still works on it.
// Pure.

import type { RunEvent, RunSummary, Stage } from '../../protocol/messages';
import type { CheckpointRecord } from '../../storage/checkpointStore';
import type { RunRecord } from '../../storage/runs';
import type { RunView } from './runView';

export type RunStatus =
  /** Under way in this tab. */
  | 'here'
  /** Under way in another tab. */
  | 'elsewhere'
  /** Its page or browser went away while it was under way. */
  | 'interrupted'
  | 'stopped'
  | 'failed'
  | 'finished';

/** The state of a stored run; `liveHere` is the run that this page trains, if any. */
export function statusOf(record: RunRecord, held: ReadonlySet<string>, liveHere: string | null): RunStatus {
  if (record.id === liveHere) return 'here';
  if (held.has(record.id)) return 'elsewhere';
  if (record.state === 'failed' || record.state === 'stopped') return record.state;
  if (record.state !== 'finished') return 'interrupted';
  const summary = record.summary as RunSummary | undefined;
  return summary?.complete === false ? 'stopped' : 'finished';
}

/** Whether a run can go on: it has not reached its end, nobody works on it, and a checkpoint is there. */
export function isResumable(record: RunRecord, status: RunStatus, checkpoints: readonly CheckpointRecord[]): boolean {
  if (record.state === 'finished' || checkpoints.length === 0) return false;
  return status === 'interrupted' || status === 'stopped' || status === 'failed';
}

/**
 * The end of a run that its log lacks: the result is on record first, and the page may go away before the last events.
 * @param view made of the whole log
 */
export function missingEnd(record: RunRecord, view: Pick<RunView, 'summary' | 'lastSeq' | 'lastTime'>): RunEvent[] {
  const ended = record.state === 'finished' || record.state === 'stopped';
  if (!ended || !record.summary || view.summary) return [];
  const at = { runId: record.id, seq: view.lastSeq, time: view.lastTime };
  return [
    { type: 'state', state: 'finished', stage: null, ...at },
    { type: 'finished', summary: record.summary as RunSummary, ...at },
  ];
}

/**
 * Where a run stands: by its result, else by its newest checkpoint.
 * @param checkpoints newest first
 */
export function positionOf(
  record: RunRecord,
  checkpoints: readonly CheckpointRecord[],
): { stage: Stage; step: number } | null {
  const known = checkpoints[0] ?? record.position;
  if (known) return { stage: known.stage as Stage, step: known.step };
  const summary = record.summary as RunSummary | undefined;
  if (!summary) return null;
  const { stepsSft, stepsGrpo } = summary;
  return stepsGrpo > 0 ? { stage: 'grpo', step: stepsGrpo } : { stage: 'sft', step: stepsSft };
}
