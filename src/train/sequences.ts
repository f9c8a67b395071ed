// Between labels of packed batches and arrays per completion.

import type { Label } from '../data/pack';

/** Values per label to one array per sequence, in the order of tokens. */
export function bySequence(labels: readonly Label[], values: ArrayLike<number>, sequences: number): Float64Array[] {
  const lengths = new Array<number>(sequences).fill(0);
  for (const label of labels) lengths[label.sequence] = Math.max(lengths[label.sequence]!, label.index + 1);
  const out = lengths.map((length) => new Float64Array(length));
  labels.forEach((label, i) => {
    out[label.sequence]![label.index] = values[i]!;
  });
  return out;
}

/** One array per sequence to values per label. */
export function byLabel(labels: readonly Label[], values: readonly ArrayLike<number>[]): Float64Array {
  return Float64Array.from(labels, (label) => values[label.sequence]![label.index]!);
}
