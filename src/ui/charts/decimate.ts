// Fewer points for a drawing than a long run has steps, without losing a peak. Pure.

type Values = readonly (number | null)[];

/** Points kept beyond either end of what is in sight, so that a line with gaps still leads out of the picture. */
const BEYOND = 50;

/**
 * The points in sight of an axis, and some to each side. Where there are too many to be told apart, each line keeps the
 * least and the greatest of every part, in the order in which they come; both stand at the part's first and last x.
 * @param x ascending
 * @param lines one value per x each
 * @param parts of what is in sight; half as many as pixels leave about one point to each
 */
export function decimate(
  x: readonly number[],
  lines: readonly Values[],
  [from, to]: readonly [number, number],
  parts: number,
): { x: number[]; lines: (number | null)[][] } {
  const first = Math.max(0, indexFrom(x, from) - BEYOND);
  const end = Math.min(x.length, indexFrom(x, to) + 1 + BEYOND);
  const count = end - first;
  if (count <= 2 * parts) return { x: x.slice(first, end), lines: lines.map((line) => line.slice(first, end)) };
  const borders = Array.from({ length: parts + 1 }, (_, i) => first + Math.floor((count * i) / parts));
  return {
    x: borders.slice(0, -1).flatMap((start, i) => [x[start]!, x[borders[i + 1]! - 1]!]),
    lines: lines.map((line) => borders.slice(0, -1).flatMap((start, i) => extremes(line, start, borders[i + 1]!))),
  };
}

/** Index of the first x that is not below `value`; the length when there is none. */
function indexFrom(x: readonly number[], value: number): number {
  let [low, high] = [0, x.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (x[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function extremes(line: Values, start: number, end: number): [number | null, number | null] {
  let [least, greatest] = [-1, -1];
  for (let i = start; i < end; i++) {
    const value = line[i];
    if (value == null || !Number.isFinite(value)) continue;
    if (least < 0 || value < line[least]!) least = i;
    if (greatest < 0 || value > line[greatest]!) greatest = i;
  }
  if (least < 0) return [null, null];
  return least < greatest ? [line[least]!, line[greatest]!] : [line[greatest]!, line[least]!];
}
