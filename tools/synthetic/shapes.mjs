// The published sizes of Qwen2.5-VL as config.json, flat as on the hub, and a small shape of the same form for tests.

/** What the published models have in common. */
const PUBLISHED = {
  shardBytes: 4e9,
  positions: 128000,
  theta: 1e6,
  section: [16, 24, 24],
  vision: { depth: 32, hidden_size: 1280, intermediate_size: 3420, num_heads: 16, window_size: 112 },
  fullAttention: [7, 15, 23, 31],
};

/** Sizes by shape. `shardBytes` is the most that one weight file holds, as the hub's files were cut. */
export const SHAPES = {
  '3b': {
    ...PUBLISHED,
    text: { hidden_size: 2048, intermediate_size: 11008, num_attention_heads: 16, num_key_value_heads: 2 },
    layers: 36,
    vocab: 151936,
    tied: true,
  },
  '7b': {
    ...PUBLISHED,
    text: { hidden_size: 3584, intermediate_size: 18944, num_attention_heads: 28, num_key_value_heads: 4 },
    layers: 28,
    vocab: 152064,
    tied: false,
  },
  small: {
    shardBytes: 700_000,
    text: { hidden_size: 64, intermediate_size: 172, num_attention_heads: 4, num_key_value_heads: 2 },
    layers: 4,
    vocab: 544,
    tied: true,
    positions: 1024,
    theta: 100,
    section: [2, 3, 3],
    vision: { depth: 4, hidden_size: 64, intermediate_size: 108, num_heads: 4, window_size: 56 },
    fullAttention: [1, 3],
  },
};

/** Blocks of a shortened tower that attend over the whole picture: those that are left, or its last. */
function fullAttentionOf(indexes, depth) {
  const left = indexes.filter((index) => index < depth);
  return left.length > 0 ? left : [depth - 1];
}

/**
 * config.json of a shape.
 * @param {keyof typeof SHAPES} name
 * @param {{layers: number, visionLayers: number}} depth blocks of the language model and of the vision tower
 * @param {Record<string, number>} ids of the special tokens, by text
 */
export function configOf(name, { layers, visionLayers }, ids) {
  const { text, vocab, tied, positions, theta, section, vision, fullAttention } = SHAPES[name];
  return {
    architectures: ['Qwen2_5_VLForConditionalGeneration'],
    attention_dropout: 0.0,
    bos_token_id: ids['<|endoftext|>'],
    eos_token_id: ids['<|im_end|>'],
    vision_start_token_id: ids['<|vision_start|>'],
    vision_end_token_id: ids['<|vision_end|>'],
    vision_token_id: ids['<|vision_pad|>'],
    image_token_id: ids['<|image_pad|>'],
    video_token_id: ids['<|video_pad|>'],
    hidden_act: 'silu',
    ...text,
    initializer_range: 0.02,
    max_position_embeddings: positions,
    max_window_layers: 70,
    model_type: 'qwen2_5_vl',
    num_hidden_layers: layers,
    rms_norm_eps: 1e-6,
    rope_theta: theta,
    sliding_window: 32768,
    tie_word_embeddings: tied,
    torch_dtype: 'bfloat16',
    transformers_version: '4.41.2',
    use_cache: true,
    use_sliding_window: false,
    vision_config: {
      hidden_act: 'silu',
      ...vision,
      depth: visionLayers,
      in_chans: 3,
      out_hidden_size: text.hidden_size,
      patch_size: 14,
      spatial_merge_size: 2,
      spatial_patch_size: 14,
      fullatt_block_indexes: fullAttentionOf(fullAttention, visionLayers),
      tokens_per_second: 2,
      temporal_patch_size: 2,
    },
    rope_scaling: { type: 'mrope', mrope_section: section },
    vocab_size: vocab,
  };
}

/** generation_config.json as on the hub. */
export function generationOf(ids) {
  const end = ids['<|endoftext|>'];
  return {
    bos_token_id: end,
    pad_token_id: end,
    do_sample: true,
    eos_token_id: [ids['<|im_end|>'], end],
    repetition_penalty: 1.05,
    temperature: 0.000001,
    transformers_version: '4.49.0',
  };
}

/** preprocessor_config.json as on the hub. */
export const PREPROCESSOR = {
  min_pixels: 3136,
  max_pixels: 12845056,
  patch_size: 14,
  temporal_patch_size: 2,
  merge_size: 2,
  image_mean: [0.48145466, 0.4578275, 0.40821073],
  image_std: [0.26862954, 0.26130258, 0.27577711],
  image_processor_type: 'Qwen2VLImageProcessor',
  processor_class: 'Qwen2_5_VLProcessor',
};
