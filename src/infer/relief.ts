// Work that is done again in smaller parts when the GPU's memory does not suffice. The work must leave nothing behind
// that a second time would not put right.

import { LorikeetError } from '../base/errors';
import type { Decisions } from '../budgets/decisions';
import type { Gpu } from '../gpu/gpu';

/** What makes room: the device, the run's decisions, and whoever is told of a change. */
export interface Relief {
  gpu: Gpu;
  /** The run's own record: whoever changes it changes what follows. */
  decisions: Decisions;
  /** Told what is done in smaller parts from now on. */
  onSmaller?(change: string): void;
}

const TOO_MUCH = new Set(['gpu.outOfMemory', 'gpu.bufferTooLarge']);

/**
 * Does the work; when memory runs out, once more after `smaller` has changed the decisions, and so on.
 * @param smaller changes the decisions and says how; null: there is nothing left to make smaller
 * @throws what `work` throws, with gpu.outOfMemory when even the smallest parts are too large
 */
export async function relieved<T>(
  { gpu, onSmaller }: Relief,
  smaller: () => string | null,
  work: () => Promise<T>,
): Promise<T> {
  // What was recorded before must not be lost with a submission that fails.
  await gpu.rec.submit();
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof LorikeetError) || !TOO_MUCH.has(error.code)) throw error;
      const change = (await gpu.recover()) ? smaller() : null;
      if (change === null) throw error;
      onSmaller?.(change);
    }
  }
}
