// Float64 reference of the sampling distribution: logits and history to probabilities. For tests only.
// Rules and their order are those of transformers' logits processors.

export interface SamplingOptions {
  /** 1 or absent: off. Applies to every id of the history, the prompt included. */
  repetitionPenalty?: number;
  /** Ids that are never sampled. */
  suppressTokens?: readonly number[];
  /** Absent: 1. */
  temperature?: number;
  /** 0 or absent: off. */
  topK?: number;
  /** 1 or absent: off. */
  topP?: number;
  /** 0 or absent: off. */
  minP?: number;
}

/** Softmax; -Infinity gives exactly 0. */
export function softmax(scores: ArrayLike<number>): Float64Array {
  const top = Array.from(scores).reduce((a, b) => Math.max(a, b), -Infinity);
  const p = Float64Array.from(scores, (s) => Math.exp(s - top));
  const total = p.reduce((a, b) => a + b, 0);
  return p.map((value) => value / total);
}

/** Keeps the k largest scores, and all that equal the k-th. */
function keepTopK(scores: Float64Array, k: number): void {
  const limit = Float64Array.from(scores).sort()[Math.max(0, scores.length - k)]!;
  for (let v = 0; v < scores.length; v++) if (scores[v]! < limit) scores[v] = -Infinity;
}

/** Removes, from the least likely up, what lies inside the tail of mass 1 - p; the most likely always stays. */
function keepTopP(scores: Float64Array, p: number): void {
  const probabilities = softmax(scores);
  const order = Array.from(scores.keys()).sort((a, b) => scores[a]! - scores[b]!);
  let cumulated = 0;
  for (const v of order.slice(0, -1)) {
    cumulated += probabilities[v]!;
    if (cumulated <= 1 - p) scores[v] = -Infinity;
  }
}

/** Removes what is less likely than p times the most likely, which itself always stays. */
function keepMinP(scores: Float64Array, p: number): void {
  const probabilities = softmax(scores);
  const limit = p * probabilities.reduce((a, b) => Math.max(a, b), 0);
  for (let v = 0; v < scores.length; v++) if (probabilities[v]! < limit) scores[v] = -Infinity;
}

/**
 * Probabilities of the next token after, in this order: repetition penalty (l > 0 ? l / r : l * r), suppressed tokens,
 * temperature, top-k, top-p, min-p.
 * @param logits (V) @param history ids of the prompt and of what was generated
 * @returns (V); exactly 0 for removed tokens
 */
export function samplingProbabilities(
  logits: ArrayLike<number>,
  history: ArrayLike<number>,
  options: SamplingOptions,
): Float64Array {
  const scores = Float64Array.from(logits);
  const penalty = options.repetitionPenalty ?? 1;
  for (const id of new Set(Array.from(history)))
    scores[id] = scores[id]! > 0 ? scores[id]! / penalty : scores[id]! * penalty;
  for (const id of options.suppressTokens ?? []) scores[id] = -Infinity;
  const temperature = options.temperature ?? 1;
  for (let v = 0; v < scores.length; v++) scores[v]! /= temperature;
  if (options.topK) keepTopK(scores, options.topK);
  if (options.topP !== undefined && options.topP < 1) keepTopP(scores, options.topP);
  if (options.minP) keepMinP(scores, options.minP);
  return softmax(scores);
}
