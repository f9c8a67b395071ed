// GPU bytes of one pass through the layers, with or without a gradient. All activations are f32.

import type { ModelConfig } from '../model/config';
import type { LoraOptions } from '../recipe/config';
import { scaled, type PassFigures } from './figures';
import { F32, linearsOf, paddedRank, widthsOf } from './widths';

/** Bytes of a training pass by kind, at the moment that holds most. */
export interface PassBytes {
  /** Every layer's input (or all that a kept layer keeps), the rows that carry labels, and the stream's own inputs. */
  activations: number;
  /** One layer computed again with its backward pass. */
  workspace: number;
  /** One chunk of logits. */
  logits: number;
  /** Picture features of the stream. */
  features: number;
}

/**
 * The stream's inputs per token: id, picture row, table row, the end of its queries (4 bytes each), four bounds of its
 * ranges, example and place (dropout), and the rope table's row of headSize numbers.
 */
function streamBytes({ headSize }: ModelConfig): number {
  return F32 * (4 + 4 + 2 + headSize);
}

/**
 * What a layer's forward pass makes per token and needs again in backward: both normed inputs (c each) with their
 * reciprocal deviations, q k v, the attention's output (q) with two statistics per head, the first residual (c), gate and up
 * (2 i) and their product (i); per adapted linear the product with A (rank), and under dropout its own copy of the input.
 */
function layerBytes(config: ModelConfig, lora: LoraOptions): number {
  const widths = widthsOf(config);
  const { c, i, q, kv, heads } = widths;
  const linears = linearsOf(widths);
  const dropped = lora.target_modules.reduce((sum, name) => sum + linears[name].in, 0);
  const adapter = lora.target_modules.length * paddedRank(lora) + (lora.lora_dropout > 0 ? dropped : 0);
  return F32 * (2 * (c + 1) + (q + 2 * kv) + q + 2 * heads + c + 3 * i + adapter);
}

/**
 * What a layer's backward pass makes besides, all of it alive at the end: gradients of the product (i), of a normed input (c),
 * of the attention's output (q) and of q k v; one adapted linear at a time has the gradient of its product with A, and under
 * dropout that of its input.
 */
function layerBackwardBytes(config: ModelConfig, lora: LoraOptions): number {
  const { c, i, q, kv } = widthsOf(config);
  const dropped = lora.lora_dropout > 0 ? (lora.target_modules.includes('down_proj') ? i : Math.max(c, q)) : 0;
  return F32 * (i + c + q + q + 2 * kv + paddedRank(lora) + dropped);
}

/** A token's place in a pass, cut down to `tokens` of it. */
function partOf(pass: PassFigures, tokens: number): PassFigures {
  return scaled(pass, pass.tokens === 0 ? 0 : Math.min(1, tokens / pass.tokens));
}

/** What training in parts of `tokensTogether` tokens holds of a micro-batch. */
export interface Together {
  tokensTogether: number;
  keptLayers: number;
  headChunkBytes: number;
}

/**
 * A training pass. It holds the layers' inputs, (layers + 1) x c per token, and what kept layers keep; and of every labelled
 * row its hidden state before and after the norm and the gradient of it (3 c). Behind the head comes the gradient that goes
 * down (c per token) with one layer's work: its forward computed again, its output (c), its backward. The chunk of logits
 * counts beside that: what the pool got back from the one is not what the other needs, and it gives idle buffers back only
 * when another kind of work begins.
 */
export function trainingBytes(
  config: ModelConfig,
  lora: LoraOptions,
  whole: PassFigures,
  { tokensTogether, keptLayers, headChunkBytes }: Together,
): PassBytes {
  const pass = partOf(whole, tokensTogether);
  const { c, layers, vocabulary } = widthsOf(config);
  const layer = layerBytes(config, lora);
  const inputs = F32 * (layers + 1) * c * pass.tokens + keptLayers * layer * pass.tokens;
  const labels = pass.rows * F32 * (3 * c + 1 + 3 + 2) + pass.labels * F32 * (2 + 1 + 2);
  const again = keptLayers < layers ? layer + F32 * c : 0;
  const backward = pass.tokens * (F32 * c + again + layerBackwardBytes(config, lora));
  const held = inputs + labels + streamBytes(config) * pass.tokens;
  return {
    activations: held,
    workspace: backward,
    logits: chunkBytes(pass.rows, vocabulary, headChunkBytes),
    features: F32 * c * pass.pictureTokens,
  };
}

/** One chunk of logits: whole rows, at least one. */
function chunkBytes(rows: number, vocabulary: number, most: number): number {
  const row = F32 * vocabulary;
  return rows === 0 ? 0 : row * Math.max(1, Math.min(rows, Math.floor(most / row)));
}

/**
 * A pass without a gradient: two rows of c per token that the layers write in turn, and one layer's forward; then the labelled
 * rows before and after the norm with one chunk of logits, beside the layer's work as in training.
 */
export function forwardBytes(
  config: ModelConfig,
  lora: LoraOptions,
  whole: PassFigures,
  { tokensTogether, headChunkBytes }: Pick<Together, 'tokensTogether' | 'headChunkBytes'>,
): PassBytes {
  const pass = partOf(whole, tokensTogether);
  const { c, vocabulary } = widthsOf(config);
  return {
    activations: pass.tokens * (F32 * 2 * c + streamBytes(config)) + pass.rows * F32 * 2 * c,
    workspace: layerBytes(config, lora) * pass.tokens,
    logits: chunkBytes(pass.rows, vocabulary, headChunkBytes),
    features: F32 * c * pass.pictureTokens,
  };
}
