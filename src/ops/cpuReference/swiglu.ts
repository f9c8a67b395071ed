// Float64 reference of SwiGLU's gated product, forward and backward. For tests only; never on a hot path.

/**
 * y = silu(gate) * up, elementwise, silu(g) = g / (1 + exp(-g)).
 * @param gate any shape @param up same shape
 * @returns same shape
 */
export function swiglu(gate: ArrayLike<number>, up: ArrayLike<number>): Float64Array {
  const y = new Float64Array(gate.length);
  for (let i = 0; i < y.length; i++) y[i] = (gate[i]! / (1 + Math.exp(-gate[i]!))) * up[i]!;
  return y;
}

/**
 * dGate = dy up s (1 + g (1 - s)) with s = sigmoid(g); dUp = dy silu(g).
 * @param dy same shape as gate and up
 */
export function swigluBackward(
  dy: ArrayLike<number>,
  gate: ArrayLike<number>,
  up: ArrayLike<number>,
): { dGate: Float64Array; dUp: Float64Array } {
  const dGate = new Float64Array(gate.length);
  const dUp = new Float64Array(gate.length);
  for (let i = 0; i < gate.length; i++) {
    const sigmoid = 1 / (1 + Math.exp(-gate[i]!));
    dGate[i] = dy[i]! * up[i]! * sigmoid * (1 + gate[i]! * (1 - sigmoid));
    dUp[i] = dy[i]! * gate[i]! * sigmoid;
  }
  return { dGate, dUp };
}
