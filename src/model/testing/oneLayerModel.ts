// A checkpoint of one decoder layer and one vision block in memory, of any width and type, with the numbers that its
// bytes stand for. For tests only.

import { configOf } from '../../../tools/synthetic/shapes.mjs';
import { tensorsOf } from '../../../tools/synthetic/tensors.mjs';
import { valuesOf } from '../../../tools/synthetic/values.mjs';
import { bytesOf } from '../../base/bytes';
import { bfloat16ToFloat32, float32ToBfloat16, float32ToFloat16 } from '../../formats/floats';
import { writeSafetensors } from '../../formats/safetensors';
import { openWeights, type WeightFiles } from '../../formats/weightFiles';
import { parseModelConfig, type ModelConfig } from '../config';

const IDS = {
  ...{ '<|endoftext|>': 0, '<|im_end|>': 1, '<|vision_start|>': 2, '<|vision_end|>': 3 },
  ...{ '<|vision_pad|>': 4, '<|image_pad|>': 5, '<|video_pad|>': 6 },
};
const VOCABULARY = 64;

/** The 3B's own widths. */
export const TRUE_WIDTHS = {
  text: { hidden_size: 2048, intermediate_size: 11008, num_attention_heads: 16, num_key_value_heads: 2 },
  vision: { hidden_size: 1280, intermediate_size: 3420, num_heads: 16, out_hidden_size: 2048 },
};

/** As narrow as heads of the same sizes allow; inner sizes that 64 does not divide, as the 3B's vision tower has. */
export const NARROW_WIDTHS = {
  text: { hidden_size: 256, intermediate_size: 688, num_attention_heads: 2, num_key_value_heads: 1 },
  vision: { hidden_size: 160, intermediate_size: 428, num_heads: 2, out_hidden_size: 256 },
};
export type Widths = typeof TRUE_WIDTHS;

export type FileType = 'F32' | 'F16' | 'BF16';

export interface OneLayerModel {
  config: ModelConfig;
  files: WeightFiles;
  /** By the hub's name; the same for every type of file. */
  values: Map<string, Float32Array<ArrayBuffer>>;
}

/** Smallest normal number of f16. Smaller ones become 0, so that all three types hold the same numbers. */
const F16_NORMAL = 2 ** -14;

function encode(values: Float32Array<ArrayBuffer>, type: FileType): Uint8Array {
  switch (type) {
    case 'F32':
      return bytesOf(values);
    case 'BF16':
      return bytesOf(float32ToBfloat16(values));
    case 'F16':
      return bytesOf(float32ToFloat16(values));
    default:
      return type satisfies never;
  }
}

/** Seeded values of a tensor that f32, f16 and bfloat16 all hold. */
function valuesFor(tensor: ReturnType<typeof tensorsOf>[number], seed: number): Float32Array<ArrayBuffer> {
  const count = tensor.shape.reduce((product, size) => product * size, 1);
  const words = new Uint32Array(Math.ceil(count / 2));
  valuesOf(tensor, seed)(words, 0, words.length);
  const values = bfloat16ToFloat32(new Uint16Array(words.buffer, 0, count));
  return values.map((value) => (Math.abs(value) < F16_NORMAL ? 0 : value));
}

/** @param type of the file; the numbers are the same in all */
export async function oneLayerModel(widths: Widths, type: FileType, seed = 1): Promise<OneLayerModel> {
  const json = configOf('3b', { layers: 1, visionLayers: 1 }, IDS);
  Object.assign(json, widths.text, { vocab_size: VOCABULARY });
  // The one block attends within windows; ranges over the whole picture are the same kernel.
  Object.assign(json.vision_config, widths.vision, { fullatt_block_indexes: [] });
  const specs = tensorsOf(json);
  const values = new Map(specs.map((spec) => [spec.name, valuesFor(spec, seed)]));
  const tensors = specs.map(({ name, shape }) => ({
    name,
    shape,
    dtype: type,
    bytes: encode(values.get(name)!, type),
  }));
  const files = await openWeights({ 'model.safetensors': new Blob([writeSafetensors(tensors)]) });
  return { config: parseModelConfig(json), files, values };
}
