// PyTorch's CPU generator and its permutations, so that rows are visited in the order of transformers and TRL.
// Only for orders that must equal PyTorch's; everything else draws from random.ts, which needs no state.
// Source: Matsumoto and Nishimura, "Mersenne Twister" (1998), MT19937; checked against torch.randperm.

const WORDS = 624;
const MIDDLE = 397;

/** State of a generator; every drawn word changes it. */
export interface TorchGenerator {
  /** u32 (624) */
  readonly state: Uint32Array;
  /** Next word of `state` to hand out; 624: all are used. */
  next: number;
}

/**
 * `torch.Generator().manual_seed(seed)` on the CPU.
 * @param seed an integer, at most 2^53 in size; PyTorch keeps its lowest 32 bits
 */
export function torchGenerator(seed: number): TorchGenerator {
  const state = new Uint32Array(WORDS);
  state[0] = lowWord(seed);
  for (let i = 1; i < WORDS; i++) {
    const previous = state[i - 1]! ^ (state[i - 1]! >>> 30);
    state[i] = Math.imul(previous, 1812433253) + i;
  }
  return { state, next: WORDS };
}

/** Lowest 32 bits of an integer of up to 53; `>>> 0` reduces modulo 2^32 exactly, negative numbers included. */
function lowWord(seed: number): number {
  return seed >>> 0;
}

/** Replaces all words of the state. */
function twist(state: Uint32Array): void {
  for (let i = 0; i < WORDS; i++) {
    const joined = (state[i]! & 0x80000000) | (state[(i + 1) % WORDS]! & 0x7fffffff);
    state[i] = state[(i + MIDDLE) % WORDS]! ^ (joined >>> 1) ^ (joined & 1 ? 0x9908b0df : 0);
  }
}

/** The generator's next u32 word. */
function nextWord(generator: TorchGenerator): number {
  if (generator.next === WORDS) {
    twist(generator.state);
    generator.next = 0;
  }
  let word = generator.state[generator.next++]!;
  word ^= word >>> 11;
  word ^= (word << 7) & 0x9d2c5680;
  word ^= (word << 15) & 0xefc60000;
  return (word ^ (word >>> 18)) >>> 0;
}

/**
 * `torch.randperm(count, generator=generator)` on the CPU; advances the generator by count - 1 words.
 * @param count below 2^27, from where on PyTorch draws 64 bits at a time
 */
export function torchPermutation(generator: TorchGenerator, count: number): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = 0; i < count - 1; i++) {
    const j = i + (nextWord(generator) % (count - i));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

/**
 * The order in which transformers' Trainer visits the rows of an epoch (0-based).
 * Source: accelerate 1.15 SeedableRandomSampler, which seeds with seed + epoch.
 */
export function trainerEpochOrder(rows: number, seed: number, epoch: number): Uint32Array {
  // Added after the reduction: a seed near 2^53 plus an epoch would be rounded.
  return torchPermutation(torchGenerator(lowWord(seed) + epoch), rows);
}

/**
 * The order of the prompts in a pass (0-based) over them: all passes draw from one generator. Chunks that are not
 * full are dropped by the caller.
 * Source: TRL 1.16 RepeatSampler.
 */
export function repeatSamplerOrder(rows: number, seed: number, pass: number): Uint32Array {
  const generator = torchGenerator(seed);
  for (let earlier = 0; earlier < pass; earlier++) torchPermutation(generator, rows);
  return torchPermutation(generator, rows);
}
