// The frozen base's buffers on the GPU, by storage type.

import type { BaseStorage } from '../budgets/decisions';
import type { ModelConfig } from '../model/config';
import type { Buffers } from './pool';
import { F32, widthsOf } from './widths';

/** Numbers of one NF4 block; each has one maximum, decoded to f32 when the base is loaded. */
const NF4_BLOCK = 64;

/** Buffers of one size. */
export type Sized = Omit<Buffers, 'part'>;

/** How the base lies. */
export interface BaseTypes {
  storage: BaseStorage;
  /** Type of embedding, head and patch embedding, which are no linears of QLoRA, beside NF4. */
  tables: BaseStorage;
}

/** What a matrix of `numbers` takes: one buffer, and for NF4 one more with the maximum of every block. */
function matrixBuffers(storage: BaseStorage, numbers: number, count: number): Sized[] {
  switch (storage) {
    case 'f32':
      return [{ bytes: 4 * numbers, count }];
    case 'bf16':
    case 'f16':
      return [{ bytes: 2 * numbers, count }];
    case 'nf4':
      return [
        { bytes: numbers / 2, count },
        { bytes: (F32 * numbers) / NF4_BLOCK, count },
      ];
    default:
      return storage satisfies never;
  }
}

const vectors = (size: number, count: number): Sized => ({ bytes: F32 * size, count });

/** Linears as (numbers, how many), tables likewise, vectors in f32 as they are. */
function baseBuffers(
  { storage, tables }: BaseTypes,
  own: { linears: (readonly [number, number])[]; tables: (readonly [number, number])[]; vectors: Sized[] },
): Sized[] {
  return [
    ...own.linears.flatMap(([numbers, count]) => matrixBuffers(storage, numbers, count)),
    ...own.tables.flatMap(([numbers, count]) => matrixBuffers(storage === 'nf4' ? tables : storage, numbers, count)),
    ...own.vectors,
  ];
}

/**
 * The language model: per layer q, k and v as one matrix with one bias, o, gate and up as one, down, and two norms; the
 * embedding, which is the head too where they are tied; the final norm.
 */
export function languageBuffers(config: ModelConfig, types: BaseTypes): Sized[] {
  const { c, q, kv, i, layers, vocabulary } = widthsOf(config);
  return baseBuffers(types, {
    linears: [c * (q + 2 * kv), q * c, 2 * c * i, i * c].map((numbers) => [numbers, layers]),
    tables: [[vocabulary * c, config.tieWordEmbeddings ? 1 : 2]],
    vectors: [vectors(q + 2 * kv, layers), vectors(c, 2 * layers + 1)],
  });
}

/**
 * The vision tower: per block q, k and v as one matrix, output, gate and up as one, down, each with its bias, and two norms;
 * the merger, whose first linear is square over merge x merge patches, and whose second goes to the language model's width.
 */
export function towerBuffers({ vision }: ModelConfig, types: BaseTypes): Sized[] {
  const { hiddenSize: v, intermediateSize: i, depth, outHiddenSize: out, spatialMergeSize } = vision;
  const merged = spatialMergeSize ** 2 * v;
  const pixels = vision.inChannels * vision.temporalPatchSize * vision.patchSize ** 2;
  const blocks = [3 * v * v, v * v, 2 * v * i, i * v].map((numbers) => [numbers, depth] as const);
  return baseBuffers(types, {
    linears: [...blocks, [merged * merged, 1], [merged * out, 1]],
    tables: [[v * pixels, 1]],
    // Biases of qkv, of gate and up, of output and down, which are as wide as a norm.
    vectors: [
      vectors(3 * v, depth),
      vectors(2 * i, depth),
      vectors(v, 4 * depth + 1),
      vectors(merged, 1),
      vectors(out, 1),
    ],
  });
}

function sum(buffers: readonly Sized[]): number {
  return buffers.reduce((bytes, one) => bytes + one.bytes * one.count, 0);
}

export function languageBytes(config: ModelConfig, types: BaseTypes): number {
  return sum(languageBuffers(config, types));
}

export function towerBytes(config: ModelConfig, types: BaseTypes): number {
  return sum(towerBuffers(config, types));
}
