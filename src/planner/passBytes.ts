// The tensors of one pass through the layers, with or without a gradient. All activations are f32.

import type { ModelConfig } from '../model/config';
import type { LoraOptions } from '../recipe/config';
import { scaled, type PassFigures } from './figures';
import { buffers, type Buffers, type Work } from './pool';
import { F32, linearsOf, paddedRank, widthsOf } from './widths';

/** What a pass holds of its stream. */
export interface Stream {
  held: Buffers[];
  /** Bytes that are uploaded. */
  up: number;
}

/**
 * The stream's inputs per token: id, picture row, table row, the end of its queries, four bounds of its ranges, the rope
 * table's row of headSize numbers; and the pictures' features.
 */
export function streamOf(
  { headSize, hiddenSize }: ModelConfig,
  { tokens, pictureTokens }: Pick<PassFigures, 'tokens' | 'pictureTokens'>,
): Stream {
  const word = F32 * tokens;
  const features = F32 * hiddenSize * Math.max(1, pictureTokens);
  const held = [
    buffers('activations', word, 4),
    buffers('activations', 4 * word),
    buffers('activations', headSize * word),
    buffers('features', features),
  ];
  return { held, up: (4 + 4 + headSize) * word + features };
}

/**
 * What a layer's forward pass makes: both normed inputs (c each) with their reciprocal deviations, q k v, the attention's
 * output (q) with two statistics per head, the first residual (c), gate and up (2 i) and their product (i); per adapted
 * linear the product with A (rank), and under dropout its own copy of the input.
 */
function layerForward(config: ModelConfig, lora: LoraOptions, tokens: number, dropout: boolean, count = 1): Buffers[] {
  const widths = widthsOf(config);
  const { c, i, q, kv, heads } = widths;
  const linears = linearsOf(widths);
  const inputs = dropout ? lora.target_modules.map((name) => linears[name].in) : [];
  const rank = buffers('workspace', F32 * paddedRank(lora) * tokens, count * lora.target_modules.length);
  const rows = [c, c, c, 1, 1, q + 2 * kv, q, 2 * heads, 2 * i, i, ...inputs];
  return [...rows.map((width) => buffers('workspace', F32 * width * tokens, count)), rank];
}

/**
 * What a layer's backward pass makes besides, all of it alive at the end: gradients of the product (i), of a normed input (c),
 * of the attention's output (q) and of q k v; one adapted linear at a time has the gradient of its product with A, and under
 * dropout that of its input.
 */
function layerBackward(config: ModelConfig, lora: LoraOptions, tokens: number, dropout: boolean): Buffers[] {
  const widths = widthsOf(config);
  const { c, i, q, kv } = widths;
  const linears = linearsOf(widths);
  const inputs = dropout ? new Set(lora.target_modules.map((name) => linears[name].in)) : [];
  const rows = [i, c, q, q + 2 * kv, paddedRank(lora), ...inputs];
  return rows.map((width) => buffers('workspace', F32 * width * tokens));
}

/** A pass of at most so many tokens: a part of it, cut between its sequences where their length is known. */
function partOf(pass: PassFigures, most: number, longest = 1): PassFigures {
  if (pass.tokens <= most || pass.tokens === 0) return pass;
  return scaled(pass, Math.max(longest, Math.floor(most / longest) * longest) / pass.tokens);
}

/** Of the labelled rows: row and label start, three statistics; of the labels: row and target, log-probability. */
function labelBuffers({ rows, labels }: PassFigures): Buffers[] {
  const own = [F32 * rows, F32 * (rows + 1), F32 * 3 * rows, F32 * 2 * labels, F32 * labels];
  return own.map((bytes) => buffers('activations', bytes));
}

/** A row of logits: whole quadruples. */
export function logitsRowBytes(vocabulary: number): number {
  return F32 * 4 * Math.ceil(vocabulary / 4);
}

/** Chunks of logits: whole rows, at least one; the last has the rows that remain, and so its own size. */
function chunks(rows: number, vocabulary: number, most: number): Buffers[] {
  const row = logitsRowBytes(vocabulary);
  const whole = Math.max(1, Math.floor(most / row));
  if (rows <= whole) return [buffers('logits', row * rows)];
  return [buffers('logits', row * whole), buffers('logits', row * (Math.ceil(rows) % whole))];
}

/** What training in parts of `tokensTogether` tokens holds of a micro-batch. */
export interface Together {
  tokensTogether: number;
  keptLayers: number;
  headChunkBytes: number;
}

/**
 * A training pass. It holds the layers' inputs, (layers + 1) x c per token, and what kept layers keep; and of every labelled
 * row its hidden state before and after the norm and the gradients of both (4 c) with the reciprocal deviation. Behind the
 * head comes the gradient that goes down (c per token), with a kept layer's backward pass, or with one layer's forward pass
 * computed again, its output and its backward pass, when the kept layers have given theirs back.
 * @param dropout LoRA dropout acts
 */
export function trainingWork(
  config: ModelConfig,
  lora: LoraOptions,
  whole: PassFigures,
  { tokensTogether, keptLayers, headChunkBytes }: Together,
  dropout: boolean,
): Work {
  const pass = partOf(whole, tokensTogether);
  const { tokens, rows, labels } = pass;
  const { c, layers, vocabulary } = widthsOf(config);
  const { held, up } = streamOf(config, pass);
  const residual = (count: number): Buffers => buffers('activations', F32 * c * tokens, count);
  const gathered = buffers('activations', F32 * c * rows, 4);
  const place = buffers('activations', F32 * 2 * tokens);
  const small = [place, buffers('activations', F32 * rows), buffers('activations', F32 * 2 * labels)];
  const base = [...held, ...labelBuffers(pass), ...small, residual(layers + 1), gathered];
  const kept = layerForward(config, lora, tokens, dropout, keptLayers).map((one): Buffers => ({
    ...one,
    part: 'activations',
  }));
  const back = layerBackward(config, lora, tokens, dropout);
  const top = [...base, ...kept, residual(1), ...(keptLayers > 0 ? back : [])];
  const again = [...base, residual(2), ...layerForward(config, lora, tokens, dropout), ...back];
  const head = chunks(rows, vocabulary, headChunkBytes).map((chunk) => [...base, ...kept, chunk]);
  return {
    moments: [...(rows > 0 ? head : []), top, ...(keptLayers < layers ? [again] : [])],
    up: up + F32 * (2 * tokens + 4 * labels + 2 * rows),
    back: F32 * (labels + 3 * rows),
  };
}

/**
 * A pass without a gradient: two rows of c per token that the layers write in turn, and one layer's forward; then the
 * labelled rows before and after the norm with one chunk of logits.
 * @param longest tokens of the longest sequence, between which it may be cut
 */
export function scoringWork(
  config: ModelConfig,
  lora: LoraOptions,
  whole: PassFigures,
  { tokensTogether, headChunkBytes }: Pick<Together, 'tokensTogether' | 'headChunkBytes'>,
  longest?: number,
): Work {
  const pass = partOf(whole, tokensTogether, longest);
  const { tokens, rows, labels } = pass;
  const { c, vocabulary } = widthsOf(config);
  const { held, up } = streamOf(config, pass);
  const row = F32 * c * tokens;
  const base = [...held, ...labelBuffers(pass), buffers('activations', row)];
  const hidden = [buffers('activations', F32 * c * rows, 2), buffers('activations', F32 * rows)];
  return {
    moments: [
      [...base, buffers('activations', row), ...layerForward(config, lora, tokens, false)],
      ...chunks(rows, vocabulary, headChunkBytes).map((chunk) => [...base, ...hidden, chunk]),
    ],
    up: up + F32 * (2 * labels + 2 * rows),
    back: F32 * (labels + 3 * rows),
  };
}

/** One pass of `tokens` rows through the layers, into two rows of c that take turns, one of them its output. */
export function layersWork(config: ModelConfig, lora: LoraOptions, tokens: number): Buffers[] {
  const { c } = widthsOf(config);
  return [buffers('activations', F32 * c * tokens, 2), ...layerForward(config, lora, tokens, false)];
}
