// A checkpoint of any size whose tensors are zeros that nobody holds. For tests only.

import { tensorsOf } from '../../../tools/synthetic/tensors.mjs';
import { DTYPE_BYTES, type SafeDtype } from '../../formats/safetensorsHeader';
import type { WeightFiles } from '../../formats/weightFiles';
import type { ModelConfig } from '../config';

/** The sizes that a checkpoint's tensors go by, in config.json's names. */
function shapesOf(config: ModelConfig): Map<string, number[]> {
  const { vision } = config;
  const specs = tensorsOf({
    hidden_size: config.hiddenSize,
    intermediate_size: config.intermediateSize,
    num_attention_heads: config.heads,
    num_key_value_heads: config.kvHeads,
    num_hidden_layers: config.layers,
    vocab_size: config.vocabSize,
    tie_word_embeddings: config.tieWordEmbeddings,
    vision_config: {
      depth: vision.depth,
      hidden_size: vision.hiddenSize,
      intermediate_size: vision.intermediateSize,
      out_hidden_size: vision.outHiddenSize,
      in_chans: vision.inChannels,
      patch_size: vision.patchSize,
      spatial_merge_size: vision.spatialMergeSize,
      temporal_patch_size: vision.temporalPatchSize,
    },
  });
  return new Map(specs.map(({ name, shape }) => [name, shape]));
}

/** @param dtype of every tensor */
export function zeroWeights(config: ModelConfig, dtype: SafeDtype = 'BF16'): WeightFiles {
  const shapes = shapesOf(config);
  let zeros = new Uint8Array(0);
  const bytesOf = (elements: number): Uint8Array<ArrayBuffer> => {
    const bytes = elements * DTYPE_BYTES[dtype];
    if (zeros.length < bytes) zeros = new Uint8Array(bytes);
    return zeros.subarray(0, bytes);
  };
  const shape = (name: string): number[] => {
    const found = shapes.get(name);
    if (!found) throw new Error(`the zero checkpoint has no ${name}`);
    return found;
  };
  return {
    files: ['model.safetensors'],
    notes: [],
    names: () => [...shapes.keys()],
    has: (name) => shapes.has(name),
    shape,
    dtype: () => dtype,
    async read(name) {
      return { dtype, shape: shape(name), bytes: bytesOf(shape(name).reduce((product, size) => product * size, 1)) };
    },
    readElements: async (_, from, to) => bytesOf(to - from),
  };
}
