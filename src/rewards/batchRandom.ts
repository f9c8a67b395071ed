// What a user's script gets in place of Math.random: numbers that follow from what it scores.

import { threefry2x32 } from '../base/random';
import type { RewardBatch } from './reward';

/** Two key words that depend on every character of `text`. */
function keyOf(text: string): [number, number] {
  let key: [number, number] = [text.length, 0];
  for (let i = 0; i < text.length; i += 2) {
    key = threefry2x32(key[0], key[1], text.charCodeAt(i), i + 1 < text.length ? text.charCodeAt(i + 1) : 0);
  }
  return key;
}

/**
 * A generator in the place of Math.random whose sequence is a function of the batch alone: a step that is repeated
 * after a resume gives its completions the same scores, and steps with other completions get other numbers.
 * @returns a function that gives the next uniform number in [0, 1), 53 bits
 */
export function batchRandom(batch: RewardBatch): () => number {
  const key = keyOf(JSON.stringify(batch));
  let drawn = 0;
  return () => {
    const [high, low] = threefry2x32(key[0], key[1], drawn++, 0);
    return ((high >>> 5) * 2 ** 26 + (low >>> 6)) * 2 ** -53;
  };
}
