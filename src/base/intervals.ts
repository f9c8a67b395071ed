// Which bytes of a file have arrived: sorted, apart from each other, [from, end). Pure.

export type Interval = readonly [from: number, end: number];

/** `done` with one interval more, joined where they touch. */
export function addInterval(done: readonly Interval[], [from, end]: Interval): Interval[] {
  if (end <= from) return [...done];
  const before = done.filter((one) => one[1] < from);
  const after = done.filter((one) => one[0] > end);
  const touching = done.slice(before.length, done.length - after.length);
  const joined: Interval = [Math.min(from, ...touching.map(([a]) => a)), Math.max(end, ...touching.map(([, b]) => b))];
  return [...before, joined, ...after];
}

/** What is missing of [0, size), in pieces of at most `pieceBytes` that keep to its multiples. */
export function missingPieces(done: readonly Interval[], size: number, pieceBytes: number): Interval[] {
  const pieces: Interval[] = [];
  let at = 0;
  for (const [from, end] of [...done, [size, size] as const]) {
    while (at < Math.min(from, size)) {
      const next = Math.min((Math.floor(at / pieceBytes) + 1) * pieceBytes, from, size);
      pieces.push([at, next]);
      at = next;
    }
    at = Math.max(at, end);
  }
  return pieces;
}

/** Bytes from the start on without a hole. */
export function frontier(done: readonly Interval[]): number {
  return done[0]?.[0] === 0 ? done[0][1] : 0;
}

/** Bytes that have arrived. */
export function countBytes(done: readonly Interval[]): number {
  return done.reduce((sum, [from, end]) => sum + end - from, 0);
}

/** What of `done` lies below `end`: a file that is shorter than its journal says. */
export function clipIntervals(done: readonly Interval[], end: number): Interval[] {
  return done.flatMap(([a, b]): Interval[] => (a >= end ? [] : [[a, Math.min(b, end)]]));
}
