// The dry run under way, or how the last one failed. Its rates go to the store of that name.

import { create } from 'zustand';
import { fromErrorRecord, type ErrorRecord } from '../../base/errors';
import type { MeasuredPart, MeasureRequest, TrainerMessage } from '../../protocol/messages';
import { planRequest } from './runPlan';
import { ratesKey, rememberRates } from './rates';

interface DryRunView {
  /** null while none is under way. */
  id: number | null;
  part: MeasuredPart;
  /** Of the part. */
  done: number;
  total: number;
  error: ErrorRecord | null;
}

const IDLE: DryRunView = { id: null, part: 'load', done: 0, total: 1, error: null };

export const useDryRun = create<DryRunView>(() => IDLE);

interface Waiting {
  /** What the rates will be remembered under. */
  key: string;
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
  useDryRun.setState({ ...IDLE, id });
  const key = ratesKey() ?? '';
  const ended = new Promise<void>((resolve, reject) => waiting.set(id, { key, resolve, reject }));
  return { id, ended };
}

function fail(id: number, error: ErrorRecord): void {
  // Who stops it wants to hear nothing of it.
  if (useDryRun.getState().id === id)
    useDryRun.setState({ ...IDLE, error: error.code === 'measure.stopped' ? null : error });
  waiting.get(id)?.reject(fromErrorRecord(error));
  waiting.delete(id);
}

type DryRunMessage = Extract<TrainerMessage, { type: 'measuring' | 'measured' | 'measureFailed' }>;

/** Takes the trainer's word of a dry run. */
export function applyDryRun(message: DryRunMessage): void {
  switch (message.type) {
    case 'measuring': {
      const { id, part, done, total } = message;
      if (useDryRun.getState().id === id) useDryRun.setState({ part, done, total });
      return;
    }
    case 'measured': {
      const { id, storage, rates } = message;
      const asked = waiting.get(id);
      waiting.delete(id);
      if (useDryRun.getState().id === id) useDryRun.setState(IDLE);
      if (asked) rememberRates(asked.key, { storage, rates });
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
