// Which work goes through the model together, and how large it is. Counts of tokens only.

/** Sizes of what was under way, in tokens: all of it, and the largest piece that cannot be cut. */
export interface WorkTokens {
  whole: number;
  piece: number;
}

/** The work of pieces that go together, by their tokens. */
export function workOf(lengths: readonly number[]): WorkTokens {
  return {
    whole: lengths.reduce((sum, length) => sum + length, 0),
    piece: lengths.reduce((a, b) => Math.max(a, b), 0),
  };
}

/**
 * Items that go together, from `start` on: as many as have room, but one at least where there is one.
 * @param most tokens
 */
export function takeTogether<T extends { ids: { length: number } }>(
  items: readonly T[],
  start: number,
  most: number,
): T[] {
  let count = 0;
  let tokens = 0;
  while (start + count < items.length && (count === 0 || tokens + items[start + count]!.ids.length <= most)) {
    tokens += items[start + count++]!.ids.length;
  }
  return items.slice(start, start + count);
}
