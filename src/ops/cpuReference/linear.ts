// Float64 reference of a linear layer, x W^T + b. For tests only; never on a hot path.

export interface LinearShape {
  /** T */
  rows: number;
  /** K, the inner size */
  inWidth: number;
  /** N */
  outWidth: number;
}

/**
 * y = x W^T + b.
 * @param x (T, K) @param weight (N, K) as in a checkpoint @param bias (N), or null for none
 * @returns (T, N)
 */
export function linear(
  x: ArrayLike<number>,
  weight: ArrayLike<number>,
  bias: ArrayLike<number> | null,
  { rows, inWidth, outWidth }: LinearShape,
): Float64Array {
  const y = new Float64Array(rows * outWidth);
  for (let t = 0; t < rows; t++) {
    for (let n = 0; n < outWidth; n++) {
      let sum = bias ? bias[n]! : 0;
      for (let k = 0; k < inWidth; k++) sum += x[t * inWidth + k]! * weight[n * inWidth + k]!;
      y[t * outWidth + n] = sum;
    }
  }
  return y;
}

/**
 * Gradient at the input, dx = dy W. A frozen weight needs no other.
 * @param dy (T, N) @param weight (N, K)
 * @returns (T, K)
 */
export function linearBackwardInput(
  dy: ArrayLike<number>,
  weight: ArrayLike<number>,
  { rows, inWidth, outWidth }: LinearShape,
): Float64Array {
  const dx = new Float64Array(rows * inWidth);
  for (let t = 0; t < rows; t++) {
    for (let n = 0; n < outWidth; n++) {
      const d = dy[t * outWidth + n]!;
      for (let k = 0; k < inWidth; k++) dx[t * inWidth + k]! += d * weight[n * inWidth + k]!;
    }
  }
  return dx;
}

/**
 * Gradient at the weight, dW = dy^T x (the adapters' gradients are of this form).
 * @param dy (T, N) @param x (T, K)
 * @returns (N, K)
 */
export function linearBackwardWeight(
  dy: ArrayLike<number>,
  x: ArrayLike<number>,
  { rows, inWidth, outWidth }: LinearShape,
): Float64Array {
  const dWeight = new Float64Array(outWidth * inWidth);
  for (let t = 0; t < rows; t++) {
    for (let n = 0; n < outWidth; n++) {
      const d = dy[t * outWidth + n]!;
      for (let k = 0; k < inWidth; k++) dWeight[n * inWidth + k]! += d * x[t * inWidth + k]!;
    }
  }
  return dWeight;
}
