// @vitest-environment node
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { referenceFolder } from '../../tools/vite/referencePlugin.mjs';
import { parseModelConfig } from './config';
import { mapWeightName } from './weightNames';

type Json = Record<string, unknown>;

function read(path: string): Json {
  return JSON.parse(readFileSync(join(referenceFolder(), path), 'utf8')) as Json;
}

const flat = read('model/d32/config.json');
const generation = read('model/d32/generation_config.json');

/** model/d32 as transformers 5.23 saves it (`AutoConfig.from_pretrained(flat).save_pretrained`). */
const nested: Json = {
  architectures: ['Qwen2_5_VLForConditionalGeneration'],
  dtype: 'float32',
  image_token_id: 381,
  model_type: 'qwen2_5_vl',
  text_config: {
    attention_dropout: 0.0,
    bos_token_id: 376,
    eos_token_id: 378,
    hidden_act: 'silu',
    hidden_size: 128,
    intermediate_size: 232,
    layer_types: ['full_attention', 'full_attention'],
    max_position_embeddings: 4096,
    model_type: 'qwen2_5_vl_text',
    num_attention_heads: 4,
    num_hidden_layers: 2,
    num_key_value_heads: 1,
    pad_token_id: null,
    rms_norm_eps: 1e-6,
    rope_parameters: { mrope_section: [3, 5, 8], rope_theta: 10000.0, rope_type: 'default', type: 'mrope' },
    sliding_window: null,
    use_sliding_window: false,
    vocab_size: 384,
  },
  tie_word_embeddings: true,
  video_token_id: 382,
  vision_config: {
    depth: 3,
    fullatt_block_indexes: [2],
    hidden_act: 'silu',
    hidden_size: 64,
    in_channels: 3,
    intermediate_size: 100,
    model_type: 'qwen2_5_vl_vision',
    num_heads: 4,
    out_hidden_size: 128,
    patch_size: 14,
    rope_parameters: { rope_theta: 10000.0, rope_type: 'axial' },
    spatial_merge_size: 2,
    temporal_patch_size: 2,
    window_size: 56,
  },
  vision_end_token_id: 380,
  vision_start_token_id: 379,
};

const expected = {
  hiddenSize: 128,
  intermediateSize: 232,
  layers: 2,
  heads: 4,
  kvHeads: 1,
  headSize: 32,
  vocabSize: 384,
  rmsNormEps: 1e-6,
  ropeTheta: 10000,
  mropeSection: [3, 5, 8],
  tieWordEmbeddings: true,
  maxPositions: 4096,
  imageTokenId: 381,
  videoTokenId: 382,
  visionStartTokenId: 379,
  visionEndTokenId: 380,
  eosTokenIds: [378, 376],
  padTokenId: 376,
  vision: {
    depth: 3,
    hiddenSize: 64,
    intermediateSize: 100,
    heads: 4,
    headSize: 16,
    outHiddenSize: 128,
    patchSize: 14,
    temporalPatchSize: 2,
    spatialMergeSize: 2,
    windowSize: 56,
    inChannels: 3,
    fullAttentionBlocks: [2],
    ropeTheta: 10000,
    rmsNormEps: 1e-6,
  },
};

describe('parseModelConfig', () => {
  it('reads the flat form of the hub', () => {
    expect(parseModelConfig(flat, generation)).toEqual(expected);
  });

  it('reads the nested form of transformers 5 to the same record', () => {
    expect(parseModelConfig(nested, generation)).toEqual(expected);
  });

  it('does without generation_config.json: end ids of config.json', () => {
    const config = parseModelConfig(flat);
    expect(config.eosTokenIds).toEqual([378]);
    expect(config.padTokenId).toBe(376);
  });

  it('takes a generation_config.json whatever its sampling values, which recipes replace', () => {
    const greedy = { ...generation, do_sample: false, temperature: 0, top_k: null, top_p: 0 };
    expect(parseModelConfig(flat, greedy)).toEqual(expected);
  });

  it('ties the head where the root or text_config says so', () => {
    const text = nested.text_config as Json;
    const tied = (root: boolean, inner: boolean): boolean =>
      parseModelConfig({
        ...nested,
        tie_word_embeddings: root,
        text_config: { ...text, tie_word_embeddings: inner },
      }).tieWordEmbeddings;
    expect([tied(false, true), tied(true, false), tied(false, false)]).toEqual([true, true, false]);
  });

  it('reads every model of the reference', () => {
    for (const name of readdirSync(join(referenceFolder(), 'model'))) {
      const config = parseModelConfig(read(`model/${name}/config.json`), read(`model/${name}/generation_config.json`));
      expect(config.layers).toBeGreaterThan(0);
    }
  });

  const vision = flat.vision_config as Json;
  const bad: [string, unknown, string, RegExp][] = [
    ['not an object', [], 'config.value', /JSON object/],
    [
      'another architecture',
      { model_type: 'llama', architectures: ['LlamaForCausalLM'] },
      'config.architecture',
      /llama/,
    ],
    ['no vision_config', { ...flat, vision_config: undefined }, 'config.architecture', /vision_config/],
    [
      'missing size',
      { ...flat, hidden_size: undefined },
      'config.value',
      /hidden_size must be a multiple of 4, found nothing/,
    ],
    ['width not a multiple of 4', { ...flat, intermediate_size: 230 }, 'config.value', /230/],
    ['text where a number belongs', { ...flat, num_hidden_layers: '2' }, 'config.value', /"2"/],
    ['heads that do not divide', { ...flat, num_attention_heads: 5 }, 'config.sizes', /5 heads/],
    ['kv heads that do not divide', { ...flat, num_key_value_heads: 3 }, 'config.sizes', /3 key-value/],
    ['head_dim of its own', { ...flat, head_dim: 64 }, 'config.sizes', /head_dim says 64/],
    ['wrong rotary sections', { ...flat, rope_scaling: { mrope_section: [3, 5, 9] } }, 'config.mrope', /sum to 16/],
    ['no rotary sections', { ...flat, rope_scaling: null }, 'config.mrope', /found nothing/],
    ['YaRN', { ...flat, rope_scaling: { type: 'yarn', mrope_section: [3, 5, 8] } }, 'config.unsupported', /yarn/],
    ['sliding window', { ...flat, use_sliding_window: true }, 'config.unsupported', /sliding/],
    ['quantized', { ...flat, quantization_config: { load_in_4bit: true } }, 'config.unsupported', /quantized/],
    ['no end id', { ...flat, eos_token_id: null }, 'config.value', /eos_token_id/],
    ['odd end id', { ...flat, eos_token_id: [1.5] }, 'config.value', /\[1.5\]/],
    ['window of partial cells', { ...flat, vision_config: { ...vision, window_size: 60 } }, 'config.sizes', /60/],
    ['feature width', { ...flat, vision_config: { ...vision, out_hidden_size: 64 } }, 'config.sizes', /64 differs/],
    [
      'block out of range',
      { ...flat, vision_config: { ...vision, fullatt_block_indexes: [3] } },
      'config.value',
      /\[3\]/,
    ],
  ];
  it.each(bad)('refuses by name: %s', (_, config, code, message) => {
    try {
      parseModelConfig(config);
    } catch (error) {
      expect(error).toMatchObject({ code, message: expect.stringMatching(message) as string });
      return;
    }
    throw new Error('nothing was thrown');
  });
});

it('maps module names of transformers 5 to hub names and leaves hub names alone', () => {
  expect(mapWeightName('model.language_model.layers.3.mlp.up_proj.weight')).toBe('model.layers.3.mlp.up_proj.weight');
  expect(mapWeightName('model.visual.blocks.0.attn.qkv.bias')).toBe('visual.blocks.0.attn.qkv.bias');
  for (const name of ['model.embed_tokens.weight', 'visual.merger.ln_q.weight', 'lm_head.weight']) {
    expect(mapWeightName(name)).toBe(name);
  }
});
