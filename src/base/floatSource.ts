// A long row of float32 numbers that is read in pieces, wherever it lies: host, GPU or file. No copy of all of it is needed.

export interface FloatSource {
  /** Numbers in all. */
  length: number;
  /** A fresh array of the numbers from `start` up to `end`. */
  read(start: number, end: number): Promise<Float32Array<ArrayBuffer>>;
}

/** Numbers of a piece: 16 MiB. */
export const PIECE_NUMBERS = 4 * 2 ** 20;

/** Numbers in memory, in pieces of PIECE_NUMBERS (the last may be shorter). */
export type FloatPieces = readonly Float32Array<ArrayBuffer>[];

/** Calls `use` with each piece and where it begins. */
export async function forEachPiece(
  source: FloatSource,
  use: (piece: Float32Array<ArrayBuffer>, start: number) => Promise<void> | void,
): Promise<void> {
  for (let start = 0; start < source.length; start += PIECE_NUMBERS) {
    await use(await source.read(start, Math.min(source.length, start + PIECE_NUMBERS)), start);
  }
}

/** All numbers of a source, in pieces. */
export async function readPieces(source: FloatSource): Promise<FloatPieces> {
  const pieces: Float32Array<ArrayBuffer>[] = [];
  await forEachPiece(source, (piece) => void pieces.push(piece));
  return pieces;
}

/** Numbers that are in memory. */
export function sourceOf(values: Float32Array | FloatPieces): FloatSource {
  const pieces = values instanceof Float32Array ? [values] : values;
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  return {
    length,
    read: async (start, end) => {
      const out = new Float32Array(end - start);
      let first = 0;
      for (const piece of pieces) {
        const [from, to] = [Math.max(start, first), Math.min(end, first + piece.length)];
        if (from < to) out.set(piece.subarray(from - first, to - first), from - start);
        first += piece.length;
      }
      return out;
    },
  };
}
