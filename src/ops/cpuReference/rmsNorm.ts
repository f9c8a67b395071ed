// Float64 reference of RMSNorm, forward and backward. For tests only; never on a hot path.

export interface RmsNormShape {
  /** T */
  rows: number;
  /** C */
  width: number;
}

export interface RmsNormResult {
  /** (T, C) */
  y: Float64Array;
  /** (T), 1 / sqrt(mean(x^2) + eps) */
  rstd: Float64Array;
}

/**
 * y = x * rstd * w with rstd = 1 / sqrt(mean(x^2) + eps), per row.
 * @param x (T, C) @param weight (C)
 */
export function rmsNorm(
  x: ArrayLike<number>,
  weight: ArrayLike<number>,
  { rows, width }: RmsNormShape,
  eps: number,
): RmsNormResult {
  const y = new Float64Array(rows * width);
  const rstd = new Float64Array(rows);
  for (let t = 0; t < rows; t++) {
    let squares = 0;
    for (let c = 0; c < width; c++) squares += x[t * width + c]! ** 2;
    rstd[t] = 1 / Math.sqrt(squares / width + eps);
    for (let c = 0; c < width; c++) y[t * width + c] = x[t * width + c]! * rstd[t]! * weight[c]!;
  }
  return { y, rstd };
}

/**
 * Gradient at the input: dx = rstd * (w dy - x * rstd^2 * mean(w dy x)). The weight is frozen and has none.
 * @param dy (T, C) @param x (T, C) as in forward @param weight (C) @param rstd (T) from forward
 * @returns (T, C)
 */
export function rmsNormBackward(
  dy: ArrayLike<number>,
  x: ArrayLike<number>,
  weight: ArrayLike<number>,
  rstd: ArrayLike<number>,
  { rows, width }: RmsNormShape,
): Float64Array {
  const dx = new Float64Array(rows * width);
  for (let t = 0; t < rows; t++) {
    let dot = 0;
    for (let c = 0; c < width; c++) dot += weight[c]! * dy[t * width + c]! * x[t * width + c]!;
    const pull = (dot / width) * rstd[t]! ** 2;
    for (let c = 0; c < width; c++) {
      dx[t * width + c] = rstd[t]! * (weight[c]! * dy[t * width + c]! - x[t * width + c]! * pull);
    }
  }
  return dx;
}
