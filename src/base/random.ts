// Counter-based randomness: every number is a pure function of (seed, stream, counters), so a resumed or
// re-batched run draws the same numbers. Never add hidden state here.
// Threefry-2x32 with 20 rounds: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC11).
// shaders/lib/random.wgsl is the same function for the GPU; a test holds them equal.

const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24];

/** Names of the independent streams; the number is mixed into the key. */
export const STREAM = { dataOrder: 1, init: 2, sampling: 3, dropout: 4, split: 5 } as const;

/**
 * Threefry-2x32-20.
 * @param k0 @param k1 key words (u32) @param c0 @param c1 counter words (u32)
 * @returns two u32 words
 */
export function threefry2x32(k0: number, k1: number, c0: number, c1: number): [number, number] {
  const keys = [k0 >>> 0, k1 >>> 0, (k0 ^ k1 ^ 0x1bd11bda) >>> 0];
  let x0 = (c0 + keys[0]!) >>> 0;
  let x1 = (c1 + keys[1]!) >>> 0;
  for (let round = 0; round < 20; round++) {
    x0 = (x0 + x1) >>> 0;
    const by = ROTATIONS[round % 8]!;
    x1 = ((x1 << by) | (x1 >>> (32 - by))) >>> 0;
    x1 = (x1 ^ x0) >>> 0;
    if (round % 4 === 3) {
      const injection = (round + 1) / 4;
      x0 = (x0 + keys[injection % 3]!) >>> 0;
      x1 = (x1 + keys[(injection + 1) % 3]! + injection) >>> 0;
    }
  }
  return [x0, x1];
}

/** u32 word to a float in [0, 1) with 24 bits, exactly representable in f32. */
export function unitFloat(word: number): number {
  return (word >>> 8) * 2 ** -24;
}

/** Folds a list of counters into the two key words of a stream. */
export function streamKey(seed: number, stream: number, ...counters: number[]): [number, number] {
  let key: [number, number] = threefry2x32(seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0, stream, 0);
  for (const counter of counters) key = threefry2x32(key[0], key[1], counter >>> 0, 1);
  return key;
}

/** `count` uniform floats in [low, high) of the given stream. */
export function uniformArray(count: number, low: number, high: number, key: [number, number]): Float32Array {
  const out = new Float32Array(count);
  for (let i = 0; i < count; i++) out[i] = low + (high - low) * unitFloat(threefry2x32(key[0], key[1], i, 0)[0]);
  return out;
}

/** A permutation of 0..count-1 (Fisher-Yates over the stream's words). */
export function permutation(count: number, key: [number, number]): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    // 53 bits keep the modulo bias below 2^-20 for any dataset that fits in memory.
    const [high, low] = threefry2x32(key[0], key[1], i, 0);
    const j = ((high >>> 11) * 2 ** 32 + low) % (i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}
