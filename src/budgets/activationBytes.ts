// Bytes per token, per cache row and per patch: what a batch of a given size takes. Each figure counts the tensors of
// src/model/decoderBlock.ts, languageModel.ts, visionTower.ts and ops/head.ts, all f32.

import { paddedRank } from '../model/adapterShape';
import type { ModelConfig } from '../model/config';
import type { LoraOptions } from '../recipe/config';

const F32 = 4;

function widths(config: ModelConfig) {
  const { hiddenSize: c, intermediateSize: i, heads, kvHeads, headSize } = config;
  const q = heads * headSize;
  return { c, i, q, qkv: q + 2 * kvHeads * headSize, heads };
}

/** Input width of the dropped-out copy that each adapted module keeps. */
function dropoutWidth(config: ModelConfig, lora: LoraOptions): number {
  if (lora.lora_dropout === 0) return 0;
  const { c, i, q } = widths(config);
  return lora.target_modules.reduce((sum, name) => sum + (name === 'down_proj' ? i : name === 'o_proj' ? q : c), 0);
}

/** What a layer's forward pass makes: two norms, q k v, attention, two residuals, gate and up, their product. */
export function layerForwardBytes(config: ModelConfig, lora: LoraOptions): number {
  const { c, i, q, qkv, heads } = widths(config);
  const norms = 2 * (c + 1);
  const attention = qkv + q + 2 * heads;
  const adapted = lora.target_modules.length * paddedRank(lora.r) + dropoutWidth(config, lora);
  return F32 * (norms + attention + 2 * c + 3 * i + adapted);
}

/** What a layer's backward pass makes besides: gradients of the product, a norm's input, attention and q k v. */
export function layerBackwardBytes(config: ModelConfig, lora: LoraOptions): number {
  const { c, i, q, qkv } = widths(config);
  return F32 * (i + c + q + qkv + paddedRank(lora.r) + (lora.lora_dropout > 0 ? Math.max(i, c) : 0));
}

/** Stream inputs: ids, rows, ranges, places, the rope table; for pictures a row of features. */
export function streamBytes(config: ModelConfig): number {
  return F32 * (1 + 1 + 1 + 4 + 1 + 2 + config.headSize + config.hiddenSize);
}

/** One token of a training pass: the inputs of all layers, the gradient that comes back, and the labelled rows. */
export function trainingTokenBytes(config: ModelConfig): number {
  const { hiddenSize: c, layers } = config;
  // hidden, gathered, dHidden, dRows of a labelled row; nearly every token may be one.
  return streamBytes(config) + F32 * ((layers + 1) * c + c + 4 * c);
}

/** One token of a pass without a gradient: two rows that the layers alternate between, and one layer's work. */
export function forwardTokenBytes(config: ModelConfig, lora: LoraOptions): number {
  return streamBytes(config) + F32 * (4 * config.hiddenSize) + layerForwardBytes(config, lora);
}

/** Keys and values of one cache row, all layers. */
export function cacheRowBytes({ layers, kvHeads, headSize }: ModelConfig): number {
  return F32 * layers * 2 * kvHeads * headSize;
}

/** One sequence that decodes: its logits, those of its prompt, and one token's work. */
export function sequenceBytes(config: ModelConfig, lora: LoraOptions): number {
  return 2 * F32 * config.vocabSize + forwardTokenBytes(config, lora);
}

/** One patch in the vision tower: pixels, two alternating rows, one block's work, and its share of the merger. */
export function patchBytes({ vision }: ModelConfig): number {
  const { hiddenSize: v, intermediateSize: i, heads, spatialMergeSize, outHiddenSize } = vision;
  const pixels = vision.inChannels * vision.temporalPatchSize * vision.patchSize ** 2;
  const block = v + 1 + 3 * v + v + 2 * heads + v + 3 * i;
  const merger = v + v + outHiddenSize / spatialMergeSize ** 2;
  return F32 * (pixels + 2 * v + vision.headSize + 9 + Math.max(block, merger));
}

/** The widest row of a training or prefill tensor: gate and up. */
export function widestRowBytes(config: ModelConfig): number {
  return (
    F32 *
    Math.max(2 * config.intermediateSize, config.hiddenSize, (config.heads + 2 * config.kvHeads) * config.headSize)
  );
}
