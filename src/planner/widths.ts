// The widths of a model's tensors, as the formulas of this folder use them.

import type { TargetModule } from '../base/targetModules';
import type { ModelConfig } from '../model/config';
import type { LoraOptions } from '../recipe/config';

/** Bytes of a float32. */
export const F32 = 4;

export interface Widths {
  /** Hidden size, intermediate size, all query heads, all key (or value) heads. */
  c: number;
  i: number;
  q: number;
  kv: number;
  layers: number;
  heads: number;
  headSize: number;
  vocabulary: number;
}

export function widthsOf(config: ModelConfig): Widths {
  const { hiddenSize: c, intermediateSize: i, heads, kvHeads, headSize, layers, vocabSize: vocabulary } = config;
  return { c, i, q: heads * headSize, kv: kvHeads * headSize, layers, heads, headSize, vocabulary };
}

/** Input and output width of each linear that may be adapted. */
export function linearsOf({ c, i, q, kv }: Widths): Record<TargetModule, { in: number; out: number }> {
  return {
    q_proj: { in: c, out: q },
    k_proj: { in: c, out: kv },
    v_proj: { in: c, out: kv },
    o_proj: { in: q, out: c },
    gate_proj: { in: c, out: i },
    up_proj: { in: c, out: i },
    down_proj: { in: i, out: c },
  };
}

/** The rank as the kernels have it: rows of A are padded to a multiple of 4. */
export function paddedRank({ r }: Pick<LoraOptions, 'r'>): number {
  return Math.ceil(r / 4) * 4;
}

/** Numbers of all factors: for each adapted linear A (rank, in) and B (out, rank), in every layer. */
export function adapterNumbers(widths: Widths, lora: Pick<LoraOptions, 'r' | 'target_modules'>): number {
  const linears = linearsOf(widths);
  const sides = lora.target_modules.reduce((sum, name) => sum + linears[name].in + linears[name].out, 0);
  return widths.layers * paddedRank(lora) * sides;
}
