// Cosines and sines of rotary positions, in float64 rounded once to float32. A row holds D/2 cosines, then D/2 sines.

/**
 * Table of M-RoPE: frequency i takes the position of its section's axis (time, row, column).
 * @param positions (3, T) @param options.section frequencies per axis, summing to D/2
 * @returns f32 (T, D)
 */
export function mropeTable(
  positions: ArrayLike<number>,
  options: { headSize: number; theta: number; section: readonly number[] },
): Float32Array<ArrayBuffer> {
  const { headSize, theta, section } = options;
  const half = headSize / 2;
  const tokens = positions.length / 3;
  const axisOf = section.flatMap((count, axis) => new Array<number>(count).fill(axis));
  const inverse = Array.from({ length: half }, (_, i) => theta ** ((-2 * i) / headSize));
  const table = new Float32Array(tokens * headSize);
  for (let t = 0; t < tokens; t++) {
    for (let i = 0; i < half; i++) {
      const angle = positions[axisOf[i]! * tokens + t]! * inverse[i]!;
      table[t * headSize + i] = Math.cos(angle);
      table[t * headSize + half + i] = Math.sin(angle);
    }
  }
  return table;
}

/** Table of plain text positions 0 .. count-1 (all three axes equal), for decoding. f32 (count, D). */
export function textTable(count: number, options: { headSize: number; theta: number }): Float32Array<ArrayBuffer> {
  const line = Array.from({ length: count }, (_, i) => i);
  return mropeTable([...line, ...line, ...line], { ...options, section: [options.headSize / 2, 0, 0] });
}

/**
 * Table of the vision tower: the first half of the frequencies turns with the patch's row, the second with its column.
 * @param patches (P, 2): row, column of each patch @returns f32 (P, D)
 */
export function visionTable(
  patches: ArrayLike<number>,
  options: { headSize: number; theta: number },
): Float32Array<ArrayBuffer> {
  const { headSize, theta } = options;
  const half = headSize / 2;
  const perAxis = half / 2;
  const inverse = Array.from({ length: perAxis }, (_, i) => theta ** ((-2 * i) / half));
  const count = patches.length / 2;
  const table = new Float32Array(count * headSize);
  for (let p = 0; p < count; p++) {
    for (let i = 0; i < half; i++) {
      const angle = patches[p * 2 + (i < perAxis ? 0 : 1)]! * inverse[i % perAxis]!;
      table[p * headSize + i] = Math.cos(angle);
      table[p * headSize + half + i] = Math.sin(angle);
    }
  }
  return table;
}

/** A table's cosines or sines with both halves written out, as other implementations have them. (rows, D) */
export function spelledOut(table: Float32Array, headSize: number, part: 'cos' | 'sin'): Float32Array {
  const half = headSize / 2;
  const from = part === 'sin' ? half : 0;
  return table.map((_, at) => table[Math.floor(at / headSize) * headSize + from + (at % half)]!);
}
