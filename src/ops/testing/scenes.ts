// Scenes of packed attention: who sees which keys. For tests only.

export interface AttentionScene {
  name: string;
  /** (queries, 4): prefix start, prefix end, segment start, segment end; ends exclusive. */
  ranges: number[][];
  keys: number;
}

/** Causal segments of the given lengths, one after the other, without prefixes. */
export function segments(...lengths: number[]): number[][] {
  let start = 0;
  return lengths.flatMap((length) => {
    const rows = Array.from({ length }, (_, t) => [start, start, start, start + t + 1]);
    start += length;
    return rows;
  });
}

/** Groups of a prompt and completions that share it, one group after the other: [prompt, c1, ..., cG] lengths. */
export function sharedPrefixes(...groups: [prompt: number, ...completions: number[]][]): number[][] {
  let start = 0;
  return groups.flatMap(([prompt, ...completions]) => {
    const from = start;
    const rows = Array.from({ length: prompt }, (_, t) => [from, from, from, from + t + 1]);
    start += prompt;
    for (const length of completions) {
      for (let t = 0; t < length; t++) rows.push([from, from + prompt, start, start + t + 1]);
      start += length;
    }
    return rows;
  });
}

/** First row past those that see key j, by looking at every row; the row's own number where no row does. */
export function queryEnds(ranges: readonly number[][], keys: number): number[] {
  return Array.from({ length: keys }, (_, j) => {
    const sees = ([a = 0, b = 0, c = 0, d = 0]: number[]): boolean => (j >= a && j < b) || (j >= c && j < d);
    const last = ranges.findLastIndex(sees);
    return last < 0 ? j : last + 1;
  });
}
