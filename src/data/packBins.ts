// Which examples share a pack of a token budget: best fit decreasing. Must not cut or reorder within an example.
// Source: TRL 1.16 packing strategy "bfd" without its cutting; ties as there, so that the packs are the same.

import { check } from '../base/errors';

/** Packs with equal free space, the one that came to it first at `first`. */
interface Queue {
  packs: number[][];
  first: number;
}

/** Index of the smallest number >= `least` in ascending `sorted`; its length when there is none. */
function lowerBound(sorted: readonly number[], least: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < least) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Packs by free space: the fullest that still takes a length can be taken out. */
function createFreeSpace() {
  const spaces: number[] = [];
  const queues = new Map<number, Queue>();
  return {
    add(space: number, pack: number[]): void {
      const queue = queues.get(space);
      if (queue) {
        queue.packs.push(pack);
        return;
      }
      queues.set(space, { packs: [pack], first: 0 });
      spaces.splice(lowerBound(spaces, space), 0, space);
    },
    take(length: number): { space: number; pack: number[] } | null {
      const at = lowerBound(spaces, length);
      if (at === spaces.length) return null;
      const space = spaces[at]!;
      const queue = queues.get(space) as Queue;
      const pack = queue.packs[queue.first++]!;
      if (queue.first === queue.packs.length) {
        queues.delete(space);
        spaces.splice(at, 1);
      }
      return { space, pack };
    },
  };
}

function checkLengths(lengths: readonly number[], budget: number): void {
  check(Number.isSafeInteger(budget) && budget > 0, 'pack.budget', `the token budget is ${budget}, expected 1 or more`);
  lengths.forEach((length, i) =>
    check(
      Number.isSafeInteger(length) && length > 0 && length <= budget,
      'pack.length',
      `example ${i} has ${length} tokens, expected 1 to the pack's budget of ${budget}`,
      'Raise max_length, or leave the example out.',
    ),
  );
}

/**
 * Distributes examples over packs: the longest first (equals in their order), each into the fullest pack that takes it.
 * O(n log n) but for the list of distinct free spaces, which has at most `budget` entries.
 * @param lengths tokens of each example, all within the budget @param budget tokens of a pack
 * @returns indices of each pack's examples, packs in the order of their first example
 * @throws pack.length for an example that is empty or longer than the budget; pack.budget
 */
export function packBins(lengths: readonly number[], budget: number): number[][] {
  checkLengths(lengths, budget);
  const order = lengths.map((_, i) => i).sort((a, b) => lengths[b]! - lengths[a]! || a - b);
  const packs: number[][] = [];
  const free = createFreeSpace();
  for (const example of order) {
    const length = lengths[example]!;
    const found = free.take(length);
    const pack = found?.pack ?? [];
    if (!found) packs.push(pack);
    pack.push(example);
    const space = (found?.space ?? budget) - length;
    if (space > 0) free.add(space, pack);
  }
  return packs;
}
