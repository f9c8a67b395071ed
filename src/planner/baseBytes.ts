// Bytes of the frozen base on the GPU, by storage type.

import type { BaseStorage } from '../budgets/decisions';
import type { ModelConfig } from '../model/config';
import { F32, linearsOf, widthsOf } from './widths';

/** Numbers of one NF4 block; each has one maximum, decoded to f32 when the base is loaded. */
const NF4_BLOCK = 64;

/** Bytes of `count` numbers of a linear: 4 bits each and a maximum per block for NF4, else the type's own. */
function linearBytes(storage: BaseStorage, count: number): number {
  switch (storage) {
    case 'f32':
      return 4 * count;
    case 'bf16':
    case 'f16':
      return 2 * count;
    case 'nf4':
      return count / 2 + (F32 * count) / NF4_BLOCK;
    default:
      return storage satisfies never;
  }
}

/** How the base lies. */
export interface BaseTypes {
  storage: BaseStorage;
  /** Type of embedding, head and patch embedding, which are no linears of QLoRA, beside NF4. */
  tables: BaseStorage;
}

function tableBytes({ storage, tables }: BaseTypes, count: number): number {
  return linearBytes(storage === 'nf4' ? tables : storage, count);
}

/**
 * The language model: per layer q, k, v, o, gate, up, down; two norms and the bias of q, k, v in f32; the embedding, which is
 * the head too where they are tied; the final norm.
 */
export function languageBytes(config: ModelConfig, types: BaseTypes): number {
  const widths = widthsOf(config);
  const { c, q, kv, layers, vocabulary } = widths;
  const linears = Object.values(linearsOf(widths)).reduce((sum, linear) => sum + linear.in * linear.out, 0);
  const vectors = layers * (2 * c + q + 2 * kv) + c;
  const tables = (config.tieWordEmbeddings ? 1 : 2) * vocabulary * c;
  return linearBytes(types.storage, layers * linears) + tableBytes(types, tables) + F32 * vectors;
}

/**
 * The vision tower: per block q, k, v and output (four v x v), gate, up, down (three v x i) with biases and two norms; the
 * merger, whose first linear is square over merge x merge patches, and whose second goes to the language model's width.
 */
export function towerBytes({ vision }: ModelConfig, types: BaseTypes): number {
  const { hiddenSize: v, intermediateSize: i, depth, outHiddenSize: out, spatialMergeSize } = vision;
  const merged = spatialMergeSize ** 2 * v;
  const linears = depth * (4 * v * v + 3 * v * i) + merged * merged + merged * out;
  const pixels = vision.inChannels * vision.temporalPatchSize * vision.patchSize ** 2;
  const vectors = depth * (2 * v + 4 * v + 2 * i + v) + v + merged + out;
  return linearBytes(types.storage, linears) + tableBytes(types, v * pixels) + F32 * vectors;
}
