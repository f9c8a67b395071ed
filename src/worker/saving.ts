// Commits a run's checkpoint, and puts one back onto the GPU. Knows what a run is; how bytes are kept is storage's.

import { check } from '../base/errors';
import type { FloatSource } from '../base/floatSource';
import { checkpointPieces, openCheckpoint } from '../formats/checkpointStream';
import { saveCheckpoint } from '../storage/checkpointStore';
import { updateRun } from '../storage/runs';
import { gpuSource, uploadNumbers } from '../train/gpuNumbers';
import type { Run } from './run';
import { fromCheckpoint, toCheckpoint, type AdapterTensors, type RunCheckpoint } from './runCheckpoint';
import type { Session } from './session';

/**
 * Adapter and moments, read from the GPU as the checkpoint is written.
 * @param held the run is held up between two submissions: what waits behind must not be waited for
 * @throws (when read) gpu.*, checkpoint.notFinite
 */
function adapterTensors({ gpu, adapter }: Pick<Session, 'gpu' | 'adapter'>, held: boolean): AdapterTensors {
  const finite = (name: 'weight' | 'moment1' | 'moment2'): FloatSource => {
    const source = gpuSource(gpu, adapter[name], held);
    const read = async (start: number, end: number): Promise<Float32Array<ArrayBuffer>> => {
      const values = await source.read(start, end);
      const at = values.findIndex((value) => !Number.isFinite(value));
      const message = `The adapter's ${name} is ${values[at]} at element ${start + at}; it is not saved.`;
      check(at < 0, 'checkpoint.notFinite', message);
      return values;
    };
    return { length: source.length, read };
  };
  return { weight: finite('weight'), moment1: finite('moment1'), moment2: finite('moment2') };
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
  const adapter = adapterTensors(session, held);
  progress.summary.seconds = reporter.seconds();
  const { fingerprints } = session;
  const file = checkpointPieces(toCheckpoint({ setup, fingerprints, progress, adapter }));
  // A checkpoint counts on the log before it: without that one it is not made.
  const logSeq = await reporter.stored();
  const position = { stage, step: state.step };
  // A strict write to the log's own database: what the checkpoint counts on is on the disk before it is committed.
  await updateRun(runId, { position });
  const kept = stage === 'grpo' ? session.recipe.grpo.save_total_limit : session.recipe.sft.save_total_limit;
  await saveCheckpoint(runId, file, { ...position, logSeq, best }, Math.max(1, kept));
  reporter.emit({ type: 'checkpoint', ...position, bytes: file.bytes, best });
}

/** Reads a stored checkpoint; its adapter is read when it is put onto the GPU. @throws checkpoint.newer, checkpoint.broken */
export async function readRunCheckpoint(file: Blob, source: string): Promise<RunCheckpoint> {
  return fromCheckpoint(await openCheckpoint(file, source));
}

/** Puts adapter and moments of a checkpoint onto the GPU. @throws checkpoint.broken when sizes differ, file.read */
export async function loadAdapterTensors(
  { gpu, adapter }: Pick<Session, 'gpu' | 'adapter'>,
  tensors: AdapterTensors,
): Promise<void> {
  for (const name of ['weight', 'moment1', 'moment2'] as const) {
    const [want, found] = [adapter[name].shape[0], tensors[name].length];
    check(want === found, 'checkpoint.broken', `The checkpoint's ${name} has ${found} numbers, expected ${want}.`);
    await uploadNumbers(gpu, adapter[name], tensors[name]);
  }
}
