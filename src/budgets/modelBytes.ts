// Bytes of what does not depend on a batch: the base in a storage type, the vision tower, the adapter and its optimizer.

import { moduleShape, paddedRank } from '../model/adapterShape';
import { STORAGE_BITS } from '../model/baseStorage';
import type { ModelConfig } from '../model/config';
import type { LoraOptions } from '../recipe/config';
import type { BaseStorage } from './decisions';

/** Numbers of one NF4 block, which has one f32 maximum. */
const NF4_BLOCK = 64;

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

/** Bytes of one number of a matrix. */
function numberBytes(storage: BaseStorage): number {
  return STORAGE_BITS[storage] / 8 + (storage === 'nf4' ? F32 / NF4_BLOCK : 0);
}

/**
 * GPU bytes of the base: the language model, and the vision tower.
 * @param storage of its linears
 * @param tables type of what is never in 4 bits (embedding, head, patch embedding), where the linears are
 */
export function baseBytes(
  config: ModelConfig,
  storage: BaseStorage,
  tables: BaseStorage,
): { language: number; tower: number } {
  const tableType = storage === 'nf4' ? tables : storage;
  const bytesOf = ({ linear, table, vector }: ReturnType<typeof languageElements>) =>
    linear * numberBytes(storage) + table * numberBytes(tableType) + vector * F32;
  return { language: bytesOf(languageElements(config)), tower: bytesOf(towerElements(config)) };
}

/** Numbers of the adapter's flat buffer: rank rounded up to a multiple of 4. */
export function adapterElements(config: ModelConfig, lora: Pick<LoraOptions, 'r' | 'target_modules'>): number {
  const sides = lora.target_modules.reduce((sum, module) => {
    const shape = moduleShape(config, module);
    return sum + shape.in + shape.out;
  }, 0);
  return config.layers * paddedRank(lora.r) * sides;
}

/** Adapter, gradient and both moments. */
export function adapterBytes(config: ModelConfig, lora: Pick<LoraOptions, 'r' | 'target_modules'>): number {
  return 4 * F32 * adapterElements(config, lora);
}
