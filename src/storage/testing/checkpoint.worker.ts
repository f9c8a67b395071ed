// A dedicated worker for the checkpoint tests: there files are written through synchronous handles, as the trainer does.

import { toErrorRecord, type ErrorRecord } from '../../base/errors';
import { saveCheckpoint, type CheckpointInfo, type CheckpointRecord } from '../checkpointStore';
import { survey, type Fault, type MAKERS, type Survey } from './checkpointFaults';
import { noise } from './noise';

export type Ask =
  | { type: 'survey'; kind: keyof typeof MAKERS; faults: readonly Fault[]; keep: number }
  | { type: 'save'; runId: string; bytes: Uint8Array<ArrayBuffer>; info: CheckpointInfo; keep: number }
  /** Saves without end; says when each save begins and ends. */
  | { type: 'loop'; runId: string; bytes: number };

export type Told =
  | { type: 'surveyed'; result: Survey }
  | { type: 'begins'; step: number }
  | { type: 'saved'; record: CheckpointRecord }
  | { type: 'failed'; error: ErrorRecord };

function tell(told: Told): void {
  self.postMessage(told);
}

async function answer(ask: Ask): Promise<void> {
  if (ask.type === 'survey') {
    tell({ type: 'surveyed', result: await survey(ask.kind, ask.faults, ask.keep) });
  } else if (ask.type === 'save') {
    tell({ type: 'saved', record: await saveCheckpoint(ask.runId, ask.bytes, ask.info, ask.keep) });
  } else {
    for (let step = 1; ; step++) {
      const bytes = noise(ask.bytes);
      tell({ type: 'begins', step });
      const info = { stage: 'sft', step, logSeq: step, best: false };
      tell({ type: 'saved', record: await saveCheckpoint(ask.runId, bytes, info, 2) });
    }
  }
}

self.onmessage = ({ data }: MessageEvent<Ask>) => {
  answer(data).catch((error: unknown) => tell({ type: 'failed', error: toErrorRecord(error) }));
};
