// Sizes of an adapter's factors, known before there is a device.

import type { TargetModule } from '../base/targetModules';
import type { ModelConfig } from './config';

/** The rank as the kernels have it: rows of A and columns of B are padded to a multiple of 4. */
export function paddedRank(r: number): number {
  return Math.ceil(r / 4) * 4;
}

/** Input width, output width and column in the stacked matrix of a module. */
export function moduleShape(config: ModelConfig, module: TargetModule): { in: number; out: number; column: number } {
  const c = config.hiddenSize;
  const q = config.heads * config.headSize;
  const kv = config.kvHeads * config.headSize;
  const i = config.intermediateSize;
  const shapes: Record<TargetModule, { in: number; out: number; column: number }> = {
    q_proj: { in: c, out: q, column: 0 },
    k_proj: { in: c, out: kv, column: q },
    v_proj: { in: c, out: kv, column: q + kv },
    o_proj: { in: q, out: c, column: 0 },
    gate_proj: { in: c, out: i, column: 0 },
    up_proj: { in: c, out: i, column: i },
    down_proj: { in: i, out: c, column: 0 },
  };
  return shapes[module];
}
