// The tensors of a Qwen2.5-VL checkpoint: the hub's names and shapes, and the scale of a random stand-in's values.

/**
 * @typedef {object} TensorSpec
 * @property {string} name as on the hub @property {number[]} shape
 * @property {number} mean @property {number} sd of the normal distribution that its values come from
 */

/** A matrix whose products keep the scale of what comes in. */
const matrix = (name, shape) => {
  const fanIn = shape.slice(1).reduce((product, size) => product * size, 1);
  return { name: `${name}.weight`, shape, mean: 0, sd: 1 / Math.sqrt(fanIn) };
};
const norm = (name, size) => ({ name: `${name}.weight`, shape: [size], mean: 1, sd: 0.1 });
const bias = (name, size) => ({ name: `${name}.bias`, shape: [size], mean: 0, sd: 0.02 });
const linear = (name, rows, columns) => [matrix(name, [rows, columns]), bias(name, rows)];

function visionTensors(config) {
  const { depth, hidden_size: width, intermediate_size: inner, in_chans: channels, ...rest } = config;
  const unit = width * rest.spatial_merge_size ** 2;
  const patch = [width, channels, rest.temporal_patch_size, rest.patch_size, rest.patch_size];
  const blocks = Array.from({ length: depth }, (_, index) => {
    const at = `visual.blocks.${index}`;
    return [
      norm(`${at}.norm1`, width),
      norm(`${at}.norm2`, width),
      ...linear(`${at}.attn.qkv`, 3 * width, width),
      ...linear(`${at}.attn.proj`, width, width),
      ...linear(`${at}.mlp.gate_proj`, inner, width),
      ...linear(`${at}.mlp.up_proj`, inner, width),
      ...linear(`${at}.mlp.down_proj`, width, inner),
    ];
  });
  return [
    matrix('visual.patch_embed.proj', patch),
    ...blocks.flat(),
    norm('visual.merger.ln_q', width),
    ...linear('visual.merger.mlp.0', unit, unit),
    ...linear('visual.merger.mlp.2', rest.out_hidden_size, unit),
  ];
}

function layerTensors(config, index) {
  const { hidden_size: width, intermediate_size: inner, num_attention_heads: heads } = config;
  const keys = (width / heads) * config.num_key_value_heads;
  const at = `model.layers.${index}`;
  return [
    ...linear(`${at}.self_attn.q_proj`, width, width),
    ...linear(`${at}.self_attn.k_proj`, keys, width),
    ...linear(`${at}.self_attn.v_proj`, keys, width),
    matrix(`${at}.self_attn.o_proj`, [width, width]),
    matrix(`${at}.mlp.gate_proj`, [inner, width]),
    matrix(`${at}.mlp.up_proj`, [inner, width]),
    matrix(`${at}.mlp.down_proj`, [width, inner]),
    norm(`${at}.input_layernorm`, width),
    norm(`${at}.post_attention_layernorm`, width),
  ];
}

/**
 * Every tensor of the checkpoint in the order of the model's state dict, which is the order that shards are cut in.
 * @param {object} config config.json @returns {TensorSpec[]}
 */
export function tensorsOf(config) {
  const { hidden_size: width, vocab_size: vocabulary, num_hidden_layers: layers } = config;
  return [
    ...visionTensors(config.vision_config),
    matrix('model.embed_tokens', [vocabulary, width]),
    ...Array.from({ length: layers }, (_, index) => layerTensors(config, index)).flat(),
    norm('model.norm', width),
    ...(config.tie_word_embeddings ? [] : [matrix('lm_head', [vocabulary, width])]),
  ];
}
