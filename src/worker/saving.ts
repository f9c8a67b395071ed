// Commits a run's checkpoint, and puts one back onto the GPU. Knows what a run is; how bytes are kept is storage's.

import { decodeCheckpoint, encodeCheckpoint } from '../formats/checkpoint';
import { check } from '../base/errors';
import { saveCheckpoint } from '../storage/checkpointStore';
import { updateRun } from '../storage/runs';
import type { Run } from './run';
import { fromCheckpoint, toCheckpoint, type AdapterTensors, type RunCheckpoint } from './runCheckpoint';
import type { Session } from './session';

/**
 * Reads adapter and moments.
 * @param held the run is held up between two submissions: what waits behind must not be waited for
 * @throws gpu.*, checkpoint.notFinite
 */
async function readAdapter({ gpu, adapter }: Pick<Session, 'gpu' | 'adapter'>, held: boolean): Promise<AdapterTensors> {
  const read = held ? gpu.rec.readSubmitted : gpu.rec.read;
  const [weight, moment1, moment2] = await read(adapter.weight, adapter.moment1, adapter.moment2);
  // A device that is gone reads as zeros or old bytes: nothing of it may be kept.
  gpu.assertHealthy();
  const tensors = {
    weight: new Float32Array(weight),
    moment1: new Float32Array(moment1),
    moment2: new Float32Array(moment2),
  };
  for (const [name, values] of Object.entries(tensors)) {
    const at = values.findIndex((value) => !Number.isFinite(value));
    check(at < 0, 'checkpoint.notFinite', `The adapter's ${name} is ${values[at]} at element ${at}; it is not saved.`);
  }
  return tensors;
}

/**
 * Commits the run as it stands at its last boundary. Call it where no update is half done: between steps, or while the
 * gate holds up a submission. Until its update a step changes neither adapter, moments nor progress.
 * @param held at the gate
 * @throws storage.quota, storage.failed, checkpoint.*, gpu.*; earlier checkpoints stay
 */
export async function saveRun(run: Run, best: boolean, held: boolean): Promise<void> {
  const { runId, setup, session, reporter, progress } = run;
  const { stage, state } = progress;
  reporter.progress({ phase: 'save', done: 0, total: 1, unit: 'checkpoints', step: state.step });
  const adapter = await readAdapter(session, held);
  progress.summary.seconds = reporter.seconds();
  const { fingerprints } = session;
  const bytes = encodeCheckpoint(toCheckpoint({ setup, fingerprints, progress, adapter }));
  // A checkpoint counts on the log before it: without that one it is not made.
  const logSeq = await reporter.stored();
  const position = { stage, step: state.step };
  // A strict write to the log's own database: what the checkpoint counts on is on the disk before it is committed.
  await updateRun(runId, { position });
  const kept = stage === 'grpo' ? session.recipe.grpo.save_total_limit : session.recipe.sft.save_total_limit;
  await saveCheckpoint(runId, bytes, { ...position, logSeq, best }, Math.max(1, kept));
  reporter.emit({ type: 'checkpoint', ...position, bytes: bytes.length, best });
}

/** Reads a stored checkpoint's bytes. @throws checkpoint.newer, checkpoint.broken */
export function readRunCheckpoint(bytes: Uint8Array<ArrayBuffer>, source: string): RunCheckpoint {
  return fromCheckpoint(decodeCheckpoint(bytes, source));
}

/** Puts adapter and moments of a checkpoint onto the GPU. @throws checkpoint.broken when sizes differ */
export function loadAdapterTensors({ gpu, adapter }: Pick<Session, 'gpu' | 'adapter'>, tensors: AdapterTensors): void {
  for (const name of ['weight', 'moment1', 'moment2'] as const) {
    const [want, found] = [adapter[name].shape[0], tensors[name].length];
    check(want === found, 'checkpoint.broken', `The checkpoint's ${name} has ${found} numbers, expected ${want}.`);
    gpu.rec.upload(adapter[name], new Float32Array(tensors[name]));
  }
}
