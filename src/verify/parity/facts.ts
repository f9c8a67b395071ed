// Comparisons of lists that must be equal on both sides: orders, tokens, rewards.

import type { ParityFact } from './messages';

/** A nested list; null and numbers are compared as they are. */
export type Nested = number | null | readonly Nested[];

function firstDifference(ours: Nested, theirs: Nested, tolerance: number, path: string): string | null {
  if (Array.isArray(ours) && Array.isArray(theirs)) {
    if (ours.length !== theirs.length) return `${path}: ${ours.length} entries, TRL ${theirs.length}`;
    for (const [i, value] of ours.entries()) {
      const found = firstDifference(value as Nested, theirs[i] as Nested, tolerance, `${path}[${i}]`);
      if (found !== null) return found;
    }
    return null;
  }
  if (typeof ours === 'number' && typeof theirs === 'number' && Math.abs(ours - theirs) <= tolerance) return null;
  return ours === theirs ? null : `${path}: ${JSON.stringify(ours)}, TRL ${JSON.stringify(theirs)}`;
}

/**
 * @param tolerance absolute, for values that TRL keeps in float32; 0 for integers
 * @param detail what was compared, for the case that all is the same
 */
export function sameLists(name: string, ours: Nested, theirs: Nested, detail: string, tolerance = 0): ParityFact {
  const difference = firstDifference(ours, theirs, tolerance, '');
  return { name, same: difference === null, detail: difference ?? detail };
}
