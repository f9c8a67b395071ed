// Matrices placed inside larger buffers, to see that an op stays within its columns. For tests only.

/** Rows of `width` values, `stride` apart, the first at `offset`. */
export interface Placement {
  rows: number;
  width: number;
  stride: number;
  offset: number;
}

/** A buffer of `filler` with `values` (rows, width) in their places. */
export function place(values: ArrayLike<number>, placement: Placement, filler: number): Float32Array<ArrayBuffer> {
  const { rows, width, stride, offset } = placement;
  const out = new Float32Array(offset + rows * stride).fill(filler);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < width; c++) out[offset + r * stride + c] = values[r * width + c]!;
  }
  return out;
}

/** Splits a buffer into the values in their places (rows, width) and everything else. */
export function unplace(buffer: ArrayLike<number>, placement: Placement): { values: number[]; outside: number[] } {
  const { rows, width, stride, offset } = placement;
  const values: number[] = [];
  const outside: number[] = [];
  for (let i = 0; i < buffer.length; i++) {
    const column = (i - offset) % stride;
    const inside = i >= offset && column < width && Math.floor((i - offset) / stride) < rows;
    (inside ? values : outside).push(buffer[i]!);
  }
  return { values, outside };
}
