// Bytes of what does not depend on a batch: the base in a storage type, the vision tower, the adapter and its optimizer.

import type { TargetModule } from '../base/targetModules';
import type { ModelConfig } from '../model/config';
import type { LoraOptions } from '../recipe/config';
import type { BaseStorage } from './decisions';

/** Bytes of a number of a linear's matrix. NF4: four bits, and an f32 block maximum for every 64. */
export const LINEAR_BYTES: Record<BaseStorage, number> = { f32: 4, bf16: 2, f16: 2, nf4: 0.5 + 4 / 64 };

/** The same for what is never quantized: embeddings, head, patch embedding. */
const TABLE_BYTES: Record<BaseStorage, number> = { f32: 4, bf16: 2, f16: 2, nf4: 2 };

const F32 = 4;

/** Elements of the base by kind. */
function languageElements(config: ModelConfig) {
  const { hiddenSize: c, intermediateSize: i, heads, kvHeads, headSize, layers, vocabSize } = config;
  const q = heads * headSize;
  const qkv = q + 2 * kvHeads * headSize;
  return {
    linear: layers * (c * qkv + q * c + 3 * c * i),
    table: vocabSize * c * (config.tieWordEmbeddings ? 1 : 2),
    vector: layers * (2 * c + qkv) + c,
  };
}

function towerElements({ vision }: ModelConfig) {
  const { hiddenSize: v, intermediateSize: i, depth, spatialMergeSize, outHiddenSize } = vision;
  const merged = spatialMergeSize ** 2 * v;
  return {
    linear: depth * (4 * v * v + 3 * v * i) + merged * merged + merged * outHiddenSize,
    table: v * vision.inChannels * vision.temporalPatchSize * vision.patchSize ** 2,
    vector: depth * (2 * v + 3 * v + v + 2 * i + v) + v + merged + outHiddenSize,
  };
}

function bytesIn(storage: BaseStorage, { linear, table, vector }: ReturnType<typeof languageElements>): number {
  return linear * LINEAR_BYTES[storage] + table * TABLE_BYTES[storage] + vector * F32;
}

/** GPU bytes of the base in a storage type: the language model, and the vision tower. */
export function baseBytes(config: ModelConfig, storage: BaseStorage): { language: number; tower: number } {
  return {
    language: bytesIn(storage, languageElements(config)),
    tower: bytesIn(storage, towerElements(config)),
  };
}

/** Output and input width of a module. */
function moduleWidths(config: ModelConfig): Record<TargetModule, number> {
  const { hiddenSize: c, intermediateSize: i, heads, kvHeads, headSize } = config;
  const q = heads * headSize;
  const kv = kvHeads * headSize;
  return {
    q_proj: c + q,
    k_proj: c + kv,
    v_proj: c + kv,
    o_proj: q + c,
    gate_proj: c + i,
    up_proj: c + i,
    down_proj: i + c,
  };
}

/** Numbers of the adapter's flat buffer: rank rounded up to a multiple of 4. */
export function adapterElements(config: ModelConfig, lora: Pick<LoraOptions, 'r' | 'target_modules'>): number {
  const widths = moduleWidths(config);
  const rank = Math.ceil(lora.r / 4) * 4;
  return config.layers * rank * lora.target_modules.reduce((sum, module) => sum + widths[module], 0);
}

/** Adapter, gradient and both moments. */
export function adapterBytes(config: ModelConfig, lora: Pick<LoraOptions, 'r' | 'target_modules'>): number {
  return 4 * F32 * adapterElements(config, lora);
}
