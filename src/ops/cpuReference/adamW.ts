// Float64 reference of AdamW (torch's semantics) and of clipping by the global norm. For tests only.

export interface AdamWOptions {
  learningRate: number;
  beta1: number;
  beta2: number;
  eps: number;
  weightDecay: number;
}

/** Parameter and moments; updated in place. All of one length. */
export interface AdamWState {
  parameter: Float64Array;
  m: Float64Array;
  v: Float64Array;
}

/**
 * One step: decay is decoupled (p *= 1 - lr wd), eps is added after the root of the bias-corrected v.
 * @param gradient same length as the state's arrays @param step 1 for the first
 * Source: torch.optim.AdamW.
 */
export function adamWStep(state: AdamWState, gradient: ArrayLike<number>, step: number, options: AdamWOptions): void {
  const { learningRate, beta1, beta2, eps, weightDecay } = options;
  const { parameter, m, v } = state;
  const mCorrection = 1 - beta1 ** step;
  const vCorrection = 1 - beta2 ** step;
  for (let i = 0; i < parameter.length; i++) {
    m[i] = beta1 * m[i]! + (1 - beta1) * gradient[i]!;
    v[i] = beta2 * v[i]! + (1 - beta2) * gradient[i]! ** 2;
    const kept = parameter[i]! * (1 - learningRate * weightDecay);
    parameter[i] = kept - (learningRate * (m[i]! / mCorrection)) / (Math.sqrt(v[i]! / vCorrection) + eps);
  }
}

/** Euclidean norm over all elements of all tensors. */
export function globalNorm(gradients: readonly ArrayLike<number>[]): number {
  let squares = 0;
  for (const gradient of gradients) {
    for (let i = 0; i < gradient.length; i++) squares += gradient[i]! ** 2;
  }
  return Math.sqrt(squares);
}

/**
 * The factor that torch.nn.utils.clip_grad_norm_ multiplies all gradients with: min(1, max / (norm + 1e-6)).
 * @param maxNorm 0: no clipping, as transformers' Trainer reads max_grad_norm
 */
export function clipFactor(norm: number, maxNorm: number): number {
  if (maxNorm === 0) return 1;
  return Math.min(1, maxNorm / (norm + 1e-6));
}
