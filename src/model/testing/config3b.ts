// The sizes of Qwen2.5-VL-3B-Instruct. For tests only.

import { configOf, generationOf } from '../../../tools/synthetic/shapes.mjs';
import { parseModelConfig, type ModelConfig } from '../config';

/** Source: tokenizer_config.json of Qwen/Qwen2.5-VL-3B-Instruct. */
const IDS = {
  ...{ '<|endoftext|>': 151_643, '<|im_end|>': 151_645, '<|vision_start|>': 151_652, '<|vision_end|>': 151_653 },
  ...{ '<|vision_pad|>': 151_654, '<|image_pad|>': 151_655, '<|video_pad|>': 151_656 },
};

/** Qwen2.5-VL-3B-Instruct with the layers that are asked for. */
export function config3b(layers: number, visionLayers: number): ModelConfig {
  return parseModelConfig(configOf('3b', { layers, visionLayers }, IDS), generationOf(IDS));
}

export const CONFIG_3B = config3b(36, 32);
