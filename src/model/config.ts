// config.json and generation_config.json of a Qwen2.5-VL checkpoint as one checked record.
// Every size and id of the engine comes from here; must not read weights.

import { check } from '../base/errors';
import type { JsonObject } from '../base/json';
import { asObject, configReader, tokenIds } from './configReader';
import type { ConfigReader } from './configReader';
import { checkSupported, CHOOSE_QWEN } from './configSupport';

export interface VisionConfig {
  depth: number;
  hiddenSize: number;
  intermediateSize: number;
  heads: number;
  headSize: number;
  /** Width of the image features, equal to the language model's. */
  outHiddenSize: number;
  /** Pixels. */
  patchSize: number;
  temporalPatchSize: number;
  /** Patches per side that become one token. */
  spatialMergeSize: number;
  /** Pixels. */
  windowSize: number;
  inChannels: number;
  /** Blocks that attend over the whole frame; the others inside windows. */
  fullAttentionBlocks: number[];
  ropeTheta: number;
  rmsNormEps: number;
}

export interface ModelConfig {
  hiddenSize: number;
  intermediateSize: number;
  layers: number;
  heads: number;
  kvHeads: number;
  headSize: number;
  vocabSize: number;
  rmsNormEps: number;
  ropeTheta: number;
  /** Frequencies per axis (time, row, column); they sum to headSize / 2. */
  mropeSection: [number, number, number];
  tieWordEmbeddings: boolean;
  maxPositions: number;
  imageTokenId: number;
  /** -1 when the config names none. */
  videoTokenId: number;
  visionStartTokenId: number;
  visionEndTokenId: number;
  /** Ids that end a completion: generation_config's, then config's. */
  eosTokenIds: number[];
  /** generation_config's, else config's, else the first token id, else the first end id. */
  padTokenId: number;
  vision: VisionConfig;
}

/**
 * Reads a checkpoint's configuration: flat as on the hub, or nested (text_config) as transformers 5 saves it. Of
 * generation_config.json only the ids are read: recipes say how to sample.
 * @param config parsed config.json @param generation parsed generation_config.json, if there is one
 * @throws LorikeetError `config.architecture`, `config.unsupported`, `config.value`, `config.mrope`, `config.sizes`
 */
export function parseModelConfig(config: unknown, generation?: unknown): ModelConfig {
  const top = asObject(config);
  check(top, 'config.value', 'config.json: expected a JSON object', CHOOSE_QWEN);
  const nested = asObject(top.text_config);
  checkSupported(top, nested);
  const text = configReader('config.json', nested, top);
  const ids = configReader('config.json', top, nested);
  const visionRecord = asObject(top.vision_config);
  check(visionRecord, 'config.architecture', 'config.json: vision_config is missing', CHOOSE_QWEN);
  const hiddenSize = text.number('hidden_size', 'width');
  const heads = text.number('num_attention_heads', 'count');
  const kvHeads = text.number('num_key_value_heads', 'count', heads);
  const headSize = headSizeOf(hiddenSize, heads, 'config.json', text.find('head_dim'));
  check(heads % kvHeads === 0, 'config.sizes', `config.json: ${heads} heads cannot share ${kvHeads} key-value heads`);
  const options = asObject(generation);
  return {
    hiddenSize,
    intermediateSize: text.number('intermediate_size', 'width'),
    layers: text.number('num_hidden_layers', 'count'),
    heads,
    kvHeads,
    headSize,
    vocabSize: text.number('vocab_size', 'count'),
    rmsNormEps: text.number('rms_norm_eps', 'positive', 1e-6),
    ...parseRope(text, headSize),
    // transformers 5 ties where either says so: it forwards text_config's to the root (Qwen2_5_VLConfig.__post_init__).
    tieWordEmbeddings: [top, nested].some((record) => record?.tie_word_embeddings === true),
    maxPositions: text.number('max_position_embeddings', 'count'),
    ...parseTokenIds(ids, options),
    vision: parseVision(visionRecord, hiddenSize),
  };
}

function headSizeOf(hiddenSize: number, heads: number, where: string, declared?: unknown): number {
  const headSize = hiddenSize / heads;
  check(
    Number.isInteger(headSize) && headSize % 4 === 0 && (declared === undefined || declared === headSize),
    'config.sizes',
    `${where}: hidden_size ${hiddenSize} over ${heads} heads gives head size ${headSize}` +
      (declared === undefined ? '' : ` (head_dim says ${JSON.stringify(declared)})`) +
      '; expected a multiple of 4',
  );
  return headSize;
}

function parseRope(text: ConfigReader, headSize: number): Pick<ModelConfig, 'ropeTheta' | 'mropeSection'> {
  const parameters = asObject(text.find('rope_parameters'));
  const rope = configReader('config.json: rope', parameters, asObject(text.find('rope_scaling')));
  for (const key of ['rope_type', 'type']) {
    const type = rope.find(key) ?? 'default';
    check(
      type === 'mrope' || type === 'default',
      'config.unsupported',
      `config.json: rope type ${JSON.stringify(type)} is not supported; expected "mrope"`,
      'Remove the long-context scaling (for example YaRN) to use the published one.',
    );
  }
  const section = rope.find('mrope_section');
  const total = Array.isArray(section) ? section.reduce<number>((sum, size) => sum + Number(size), 0) : NaN;
  check(
    Array.isArray(section) &&
      section.length === 3 &&
      section.every((size) => Number.isSafeInteger(size) && (size as number) >= 0) &&
      total === headSize / 2,
    'config.mrope',
    `config.json: mrope_section must be three whole numbers that sum to ${headSize / 2} (half of head size ` +
      `${headSize}), found ${JSON.stringify(section) ?? 'nothing'}`,
  );
  const theta = rope.find('rope_theta') ?? text.find('rope_theta');
  const ropeTheta = configReader('config.json', { rope_theta: theta }).number('rope_theta', 'positive');
  return { ropeTheta, mropeSection: section as [number, number, number] };
}

function parseTokenIds(config: ConfigReader, generation: JsonObject | null) {
  const options = configReader('generation_config.json', generation);
  const eosTokenIds = [
    ...new Set([
      ...tokenIds(options.find('eos_token_id'), 'generation_config.json: eos_token_id'),
      ...tokenIds(config.find('eos_token_id'), 'config.json: eos_token_id'),
    ]),
  ];
  const [firstEnd] = eosTokenIds;
  check(firstEnd !== undefined, 'config.value', 'config.json and generation_config.json name no eos_token_id');
  const [padTokenId = firstEnd] = [
    ...tokenIds(options.find('pad_token_id'), 'generation_config.json: pad_token_id'),
    ...tokenIds(config.find('pad_token_id'), 'config.json: pad_token_id'),
    ...tokenIds(options.find('bos_token_id') ?? config.find('bos_token_id'), 'bos_token_id'),
  ];
  const video = config.find('video_token_id');
  return {
    imageTokenId: config.number('image_token_id', 'index'),
    videoTokenId: video === undefined ? -1 : config.number('video_token_id', 'index'),
    visionStartTokenId: config.number('vision_start_token_id', 'index'),
    visionEndTokenId: config.number('vision_end_token_id', 'index'),
    eosTokenIds,
    padTokenId,
  };
}

function parseVision(record: JsonObject, languageWidth: number): VisionConfig {
  const where = 'config.json: vision_config';
  const reader = configReader(where, record);
  const activation = reader.find('hidden_act') ?? 'silu';
  check(
    activation === 'silu',
    'config.unsupported',
    `${where}: hidden_act must be "silu", found ${String(activation)}`,
  );
  const depth = reader.number('depth', 'count');
  const hiddenSize = reader.number('hidden_size', 'width');
  const heads = reader.number('num_heads', 'count');
  const vision: VisionConfig = {
    depth,
    hiddenSize,
    intermediateSize: reader.number('intermediate_size', 'width'),
    heads,
    headSize: headSizeOf(hiddenSize, heads, where),
    outHiddenSize: reader.number('out_hidden_size', 'width'),
    // Absent from some published files; the values are transformers' defaults (Qwen2_5_VLVisionConfig).
    patchSize: reader.number('patch_size', 'count', 14),
    temporalPatchSize: reader.number('temporal_patch_size', 'count', 2),
    spatialMergeSize: reader.number('spatial_merge_size', 'count', 2),
    windowSize: reader.number('window_size', 'count', 112),
    inChannels: reader.number(['in_chans', 'in_channels'], 'count', 3),
    fullAttentionBlocks: fullAttentionBlocks(reader.find('fullatt_block_indexes'), depth),
    ropeTheta: configReader(where, asObject(record.rope_parameters)).number('rope_theta', 'positive', 10_000),
    // Fixed in transformers' Qwen2_5_VLVisionBlock, not in the file.
    rmsNormEps: 1e-6,
  };
  checkVisionSizes(vision, languageWidth, where);
  return vision;
}

function fullAttentionBlocks(value: unknown, depth: number): number[] {
  const valid =
    Array.isArray(value) && value.every((index) => Number.isSafeInteger(index) && index >= 0 && index < depth);
  check(
    valid,
    'config.value',
    `config.json: vision_config: fullatt_block_indexes must list blocks below ${depth}, found ${JSON.stringify(value)}`,
  );
  return value as number[];
}

function checkVisionSizes(vision: VisionConfig, languageWidth: number, where: string): void {
  const cell = vision.patchSize * vision.spatialMergeSize;
  check(
    vision.windowSize % cell === 0,
    'config.sizes',
    `${where}: window_size ${vision.windowSize} is not a multiple of patch_size x spatial_merge_size = ${cell}`,
  );
  check(
    vision.outHiddenSize === languageWidth,
    'config.sizes',
    `${where}: out_hidden_size ${vision.outHiddenSize} differs from the language model's hidden_size ${languageWidth}`,
  );
}
