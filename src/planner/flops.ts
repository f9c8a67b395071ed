// Floating-point operations of what a run does; a product and its addition count as two.

import type { ModelConfig } from '../model/config';
import type { LoraOptions } from '../recipe/config';
import type { GenerationFigures, PassFigures, PictureFigures } from './figures';
import { patchPixels } from './towerPassBytes';
import { linearsOf, paddedRank, widthsOf } from './widths';

/** Operations of the frozen linears per token: two per number of their matrices, all layers. */
function linearFlops(config: ModelConfig): number {
  const widths = widthsOf(config);
  const numbers = Object.values(linearsOf(widths)).reduce((sum, linear) => sum + linear.in * linear.out, 0);
  return 2 * widths.layers * numbers;
}

/** Operations of the adapter's two products per token. */
function adapterFlops(config: ModelConfig, lora: LoraOptions): number {
  const widths = widthsOf(config);
  const linears = linearsOf(widths);
  const sides = lora.target_modules.reduce((sum, name) => sum + linears[name].in + linears[name].out, 0);
  return 2 * widths.layers * paddedRank(lora) * sides;
}

/** One product of queries with keys (or of weights with values) over all heads and layers, per pair. */
function pairFlops(config: ModelConfig): number {
  const { layers, q } = widthsOf(config);
  return 2 * layers * q;
}

/** Logits of one row. */
function headFlops(config: ModelConfig): number {
  const { c, vocabulary } = widthsOf(config);
  return 2 * c * vocabulary;
}

/** Layers of a pass: linears, adapter, and in attention two products per pair. */
function layerFlops(config: ModelConfig, lora: LoraOptions, pass: Pick<PassFigures, 'tokens' | 'pairs'>): number {
  return pass.tokens * (linearFlops(config) + adapterFlops(config, lora)) + 2 * pass.pairs * pairFlops(config);
}

/** A pass without a gradient, with the logits of its labelled rows. */
export function forwardFlops(config: ModelConfig, lora: LoraOptions, pass: PassFigures): number {
  return layerFlops(config, lora, pass) + pass.rows * headFlops(config);
}

/**
 * A training pass. Forward once, and again for layers that are not kept. Backward: the gradient of every linear's input (as
 * much as its forward; the base has no gradient of its own), of the adapter's products and of both factors (twice its forward);
 * in attention the kernel over queries makes three products per pair and the one over keys four. The head's logits, and its
 * gradient's product; where coefficients need all log-probabilities first (GRPO), the logits once more.
 */
export function trainingFlops(
  config: ModelConfig,
  lora: LoraOptions,
  pass: PassFigures,
  { keptLayers, headPasses }: { keptLayers: number; headPasses: 2 | 3 },
): number {
  const { layers } = widthsOf(config);
  const forward = layerFlops(config, lora, pass);
  const again = forward * (1 - Math.min(1, keptLayers / layers));
  const linears = pass.tokens * (linearFlops(config) + 2 * adapterFlops(config, lora));
  const attention = 7 * pass.pairs * pairFlops(config);
  return forward + again + linears + attention + headPasses * pass.rows * headFlops(config);
}

/** Pairs of causal prompts of equal length. */
function causalPairs(tokens: number, prompts: number): number {
  const length = prompts === 0 ? 0 : tokens / prompts;
  return (prompts * length * (length + 1)) / 2;
}

/** Generation in its two parts. */
export interface GenerationFlops {
  /** Prompts, and the logits of each one's last row. */
  prefill: number;
  /** All tokens of all completions. */
  decode: number;
}

/** @param newTokens of a completion: the limit, or what is expected */
export function generationFlops(
  config: ModelConfig,
  lora: LoraOptions,
  { prompts, sequences, promptTokens }: GenerationFigures,
  newTokens: number,
): GenerationFlops {
  const head = headFlops(config);
  const prefill = layerFlops(config, lora, { tokens: promptTokens, pairs: causalPairs(promptTokens, prompts) });
  const steps = Math.max(0, newTokens - 1);
  const tokens = sequences * steps;
  const prompt = prompts === 0 ? 0 : promptTokens / prompts;
  // Each new token sees the prompt and the tokens before it.
  const pairs = tokens * (prompt + (steps + 1) / 2);
  return {
    prefill: prefill + prompts * head,
    decode: layerFlops(config, lora, { tokens, pairs }) + tokens * head,
  };
}

/**
 * Pictures through the vision tower: patch embedding; per block its linears and attention, within windows or, in few blocks,
 * over the whole picture; the merger per merge x merge patches.
 */
export function towerFlops(config: ModelConfig, { count, patches }: PictureFigures): number {
  const { vision } = config;
  const { hiddenSize: v, intermediateSize: i, depth, outHiddenSize, spatialMergeSize: merge } = vision;
  const merged = merge ** 2 * v;
  const linears =
    patchPixels(config) * v + depth * (4 * v * v + 3 * v * i) + (merged * (merged + outHiddenSize)) / merge ** 2;
  const window = (vision.windowSize / vision.patchSize) ** 2;
  const picture = count === 0 ? 0 : patches / count;
  const full = vision.fullAttentionBlocks.length;
  const seen = full * picture + (depth - full) * Math.min(window, picture);
  return patches * (2 * linears + 2 * 2 * v * seen);
}

/** AdamW over all factors: about 16 operations a number, and two for the gradient's norm. */
export function updateFlops(numbers: number): number {
  return 18 * numbers;
}
