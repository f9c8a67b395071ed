// What an optimizer step took of the GPU, for its record: bytes by owner at the step's peak, dispatches, submissions.

import type { Gpu } from '../gpu/gpu';

/**
 * Begins a step.
 * @returns ends it: `gpu_memory/OWNER` and `gpu_memory/peak` in bytes, all at the moment of the largest sum,
 * `gpu/dispatches` and `gpu/submissions`
 */
export function watchGpu(gpu: Pick<Gpu, 'rec' | 'memory' | 'markMemory'>): () => Record<string, number> {
  const before = gpu.rec.counts();
  gpu.markMemory();
  return () => {
    const { peak } = gpu.memory();
    const now = gpu.rec.counts();
    const owners = Object.entries(peak.bytes).map(([owner, bytes]) => [`gpu_memory/${owner}`, bytes] as const);
    return {
      ...Object.fromEntries(owners),
      'gpu_memory/peak': peak.total,
      'gpu/dispatches': now.dispatches - before.dispatches,
      'gpu/submissions': now.submissions - before.submissions,
    };
  };
}
