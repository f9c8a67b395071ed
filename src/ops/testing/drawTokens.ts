// Draws tokens with the real sampler for tests of its distribution. For tests only.

import type { GpuBench } from '../../gpu/testGpu';
import { sampleTokens, type SamplingOptions } from '../sampling';
import { uploadDecode } from './decodeState';

export interface DrawOptions extends SamplingOptions {
  /** Tokens of each sequence; later ones see the earlier. Default 1. */
  steps?: number;
  suppressed?: number[];
  /** Ids of the prompt, the same for every sequence. */
  seen?: number[];
  key?: [number, number];
}

/** Sampling with nothing switched on. */
export const PLAIN: SamplingOptions = { temperature: 1, topK: 0, topP: 1, minP: 0, repetitionPenalty: 1 };
export const KEY: [number, number] = [0x12345678, 0x9abcdef0];

/**
 * Tokens of `count` sequences that all sample from one row of logits.
 * @param logits (V) @returns [sequence][step]
 */
export async function drawTokens(
  bench: GpuBench,
  logits: ArrayLike<number>,
  count: number,
  options: DrawOptions,
): Promise<number[][]> {
  const { steps = 1, suppressed, seen, key = KEY } = options;
  const vocabulary = logits.length;
  const sequences = Array.from({ length: count }, () => ({ seen }));
  const tensors = uploadDecode(bench, { vocabulary, maxNew: steps, suppressed, sequences });
  const slots = bench.input(Uint32Array.from({ length: count * 2 }, (_, i) => (i % 2 ? i >> 1 : 0)));
  const row = bench.input(logits, [1, vocabulary]);
  for (let step = 0; step < steps; step++) {
    sampleTokens(
      bench.rec,
      { ...tensors, slots, logits: row },
      { ...options, slots: count, vocabulary, maxNew: steps, key },
    );
  }
  const [state] = await bench.readU32(tensors.state);
  return sequences.map((_, s) => Array.from(state.slice(s * (2 + steps) + 2, (s + 1) * (2 + steps))));
}
