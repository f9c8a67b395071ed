// The dry run under way, or how the last one failed. Its rates go to the store of that name.

import { create } from 'zustand';
import { fromErrorRecord, type ErrorRecord } from '../../base/errors';
import type { MeasuredPart, MeasureRequest, NoticeEvent, TrainerMessage } from '../../protocol/messages';
import { planRequest } from './runPlan';
import { copiesKey, ratesKey, rememberRates } from './rates';

interface DryRunView {
  /** null while none is under way. */
  id: number | null;
  part: MeasuredPart;
  /** Of the part. */
  done: number;
  total: number;
  error: ErrorRecord | null;
  /** What a run would have told, the newest last; of the last one while none is under way. */
  notices: NoticeEvent[];
}

const NOTHING: DryRunView = { id: null, part: 'load', done: 0, total: 1, error: null, notices: [] };

export const useDryRun = create<DryRunView>(() => NOTHING);

interface Waiting {
  /** What the rates will be remembered under, and the copies as it began. */
  key: string;
  copies: string | null;
  resolve(): void;
  reject(error: Error): void;
}

const waiting = new Map<number, Waiting>();
let newest = 0;

/** What to measure: the run that is set up. null where nothing could be planned or a dry run is under way. */
export function measureRequest(): Omit<MeasureRequest, 'id'> | null {
  const request = planRequest();
  if (!request || useDryRun.getState().id !== null) return null;
  const { recipe, seed, datasetId, model, gpuMemoryGb, adapter } = request;
  return { type: 'measure', recipe, seed, datasetId, model, gpuMemoryGb, ...(adapter ? { adapter } : {}) };
}

/** Notes that a dry run begins. @returns its id, and its end. Errors: those of the worker's dryRun, measure.stopped */
export function beginDryRun(): { id: number; ended: Promise<void> } {
  const id = ++newest;
  useDryRun.setState({ ...NOTHING, id });
  const begun = { key: ratesKey() ?? '', copies: copiesKey() };
  const ended = new Promise<void>((resolve, reject) => waiting.set(id, { ...begun, resolve, reject }));
  return { id, ended };
}

/** What is set up has changed: how the last dry run ended does not stay beside it. One under way goes on. */
export function forgetDryRun(): void {
  if (useDryRun.getState().id === null) useDryRun.setState(NOTHING);
}

/** What is left on show when a dry run has ended. */
function showEnd(error: ErrorRecord | null): void {
  useDryRun.setState(({ notices }) => ({ ...NOTHING, notices, error }));
}

function fail(id: number, error: ErrorRecord): void {
  // Who stops it wants to hear nothing of it.
  if (useDryRun.getState().id === id) showEnd(error.code === 'measure.stopped' ? null : error);
  waiting.get(id)?.reject(fromErrorRecord(error));
  waiting.delete(id);
}

type DryRunMessage = Extract<TrainerMessage, { type: 'measuring' | 'measureNotice' | 'measured' | 'measureFailed' }>;

/** Takes the trainer's word of a dry run. */
export function applyDryRun(message: DryRunMessage): void {
  switch (message.type) {
    case 'measuring': {
      const { id, part, done, total } = message;
      if (useDryRun.getState().id === id) useDryRun.setState({ part, done, total });
      return;
    }
    case 'measureNotice': {
      const { id, notice } = message;
      if (useDryRun.getState().id === id) useDryRun.setState(({ notices }) => ({ notices: [...notices, notice] }));
      return;
    }
    case 'measured': {
      const { id, storage, rates } = message;
      const asked = waiting.get(id);
      waiting.delete(id);
      if (useDryRun.getState().id === id) showEnd(null);
      if (asked) rememberRates(asked.key, { storage, rates }, asked.copies);
      asked?.resolve();
      return;
    }
    case 'measureFailed':
      return fail(message.id, message.error);
    default:
      message satisfies never;
  }
}

/** The worker is gone: nothing will come. @returns whether something was awaited */
export function failDryRun(error: ErrorRecord): boolean {
  const ids = [...waiting.keys()];
  for (const id of ids) fail(id, error);
  return ids.length > 0;
}
