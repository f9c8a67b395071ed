// A checkpoint of any size whose tensors are zeros that nobody holds. For tests only.

import { DTYPE_BYTES, type SafeDtype } from '../../formats/safetensorsHeader';
import type { WeightFiles } from '../../formats/weightFiles';
import type { ModelConfig } from '../config';

function shapesOf(config: ModelConfig): Map<string, number[]> {
  const shapes = new Map<string, number[]>();
  const linear = (name: string, rows: number, columns: number, bias = true): void => {
    shapes.set(`${name}.weight`, [rows, columns]);
    if (bias) shapes.set(`${name}.bias`, [rows]);
  };
  const { hiddenSize: c, intermediateSize: i, headSize, vision } = config;
  const [q, kv] = [config.heads * headSize, config.kvHeads * headSize];
  linear('model.embed_tokens', config.vocabSize, c, false);
  if (!config.tieWordEmbeddings) linear('lm_head', config.vocabSize, c, false);
  shapes.set('model.norm.weight', [c]);
  for (let layer = 0; layer < config.layers; layer++) {
    const at = `model.layers.${layer}`;
    shapes.set(`${at}.input_layernorm.weight`, [c]);
    shapes.set(`${at}.post_attention_layernorm.weight`, [c]);
    linear(`${at}.self_attn.q_proj`, q, c);
    linear(`${at}.self_attn.k_proj`, kv, c);
    linear(`${at}.self_attn.v_proj`, kv, c);
    linear(`${at}.self_attn.o_proj`, c, q, false);
    linear(`${at}.mlp.gate_proj`, i, c, false);
    linear(`${at}.mlp.up_proj`, i, c, false);
    linear(`${at}.mlp.down_proj`, c, i, false);
  }
  const { hiddenSize: v, intermediateSize: vi } = vision;
  const merged = vision.spatialMergeSize ** 2 * v;
  const { inChannels, temporalPatchSize, patchSize } = vision;
  shapes.set('visual.patch_embed.proj.weight', [v, inChannels, temporalPatchSize, patchSize, patchSize]);
  for (let block = 0; block < vision.depth; block++) {
    const at = `visual.blocks.${block}`;
    shapes.set(`${at}.norm1.weight`, [v]);
    shapes.set(`${at}.norm2.weight`, [v]);
    linear(`${at}.attn.qkv`, 3 * v, v);
    linear(`${at}.attn.proj`, v, v);
    linear(`${at}.mlp.gate_proj`, vi, v);
    linear(`${at}.mlp.up_proj`, vi, v);
    linear(`${at}.mlp.down_proj`, v, vi);
  }
  shapes.set('visual.merger.ln_q.weight', [v]);
  linear('visual.merger.mlp.0', merged, merged);
  linear('visual.merger.mlp.2', vision.outHiddenSize, merged);
  return shapes;
}

/** @param dtype of every tensor */
export function zeroWeights(config: ModelConfig, dtype: SafeDtype = 'BF16'): WeightFiles {
  const shapes = shapesOf(config);
  let zeros = new Uint8Array(0);
  const shape = (name: string): number[] => {
    const found = shapes.get(name);
    if (!found) throw new Error(`the zero checkpoint has no ${name}`);
    return found;
  };
  const zeroBytes = (elements: number) => {
    const bytes = elements * DTYPE_BYTES[dtype];
    if (zeros.length < bytes) zeros = new Uint8Array(bytes);
    return zeros.subarray(0, bytes);
  };
  return {
    files: ['model.safetensors'],
    notes: [],
    names: () => [...shapes.keys()],
    has: (name) => shapes.has(name),
    shape,
    dtype: () => dtype,
    async read(name) {
      const elements = shape(name).reduce((product, size) => product * size, 1);
      return { dtype, shape: shape(name), bytes: zeroBytes(elements) };
    },
    readElements: async (_, from, to) => zeroBytes(to - from),
  };
}
