// Float64 reference of rotary position embedding (rotate_half form). For tests only; never on a hot path.
// Position ids and sections live in the cos and sin tables; nothing here knows them.

export interface RopeShape {
  /** T */
  rows: number;
  /** H */
  heads: number;
  /** D, even */
  headSize: number;
}

/**
 * y = x cos + rotate_half(x) sin, with rotate_half(x) = [-x2, x1] on the two halves of a head.
 * @param x (T, H, D) @param cos (T, D) @param sin (T, D), shared by all heads
 * @returns (T, H, D)
 */
export function rope(
  x: ArrayLike<number>,
  cos: ArrayLike<number>,
  sin: ArrayLike<number>,
  { rows, heads, headSize }: RopeShape,
): Float64Array {
  const y = new Float64Array(rows * heads * headSize);
  const half = headSize / 2;
  for (let t = 0; t < rows; t++) {
    for (let h = 0; h < heads; h++) {
      const at = (t * heads + h) * headSize;
      for (let i = 0; i < headSize; i++) {
        const rotated = i < half ? -x[at + i + half]! : x[at + i - half]!;
        y[at + i] = x[at + i]! * cos[t * headSize + i]! + rotated * sin[t * headSize + i]!;
      }
    }
  }
  return y;
}

/**
 * Gradient at the input: dx = dy cos + rotate_half^T(dy sin), the transpose being [g2, -g1]. Holds for any tables, also
 * for halves that differ.
 * @param dy (T, H, D) @param cos (T, D) @param sin (T, D)
 * @returns (T, H, D)
 */
export function ropeBackward(
  dy: ArrayLike<number>,
  cos: ArrayLike<number>,
  sin: ArrayLike<number>,
  { rows, heads, headSize }: RopeShape,
): Float64Array {
  const dx = new Float64Array(rows * heads * headSize);
  const half = headSize / 2;
  for (let t = 0; t < rows; t++) {
    for (let h = 0; h < heads; h++) {
      const at = (t * heads + h) * headSize;
      for (let i = 0; i < headSize; i++) {
        const other = i < half ? i + half : i - half;
        const turned = dy[at + other]! * sin[t * headSize + other]!;
        dx[at + i] = dy[at + i]! * cos[t * headSize + i]! + (i < half ? turned : -turned);
      }
    }
  }
  return dx;
}
