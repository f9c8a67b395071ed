// Float64 reference of the loss head: log-probability and entropy per label, and the gradient at the logits.
// For tests only; never on a hot path. The head's matrix product is linear.ts; losses are chosen by (c, e) elsewhere.

/** One label: the row of the token before the target, and the target's id. */
export interface HeadLabel {
  row: number;
  target: number;
}

/** What is minimised to first order for a label: c * logp + e * entropy. */
export interface HeadCoefficient {
  c: number;
  e: number;
}

export interface HeadStats {
  /** (labels), log-softmax of the tempered logits at the target */
  logp: Float64Array;
  /** (labels), -sum p log p over the vocabulary, in nats */
  entropy: Float64Array;
  /** (labels), log of the sum of exp(logits / temperature) */
  lse: Float64Array;
  /** (labels), the first id of the row's largest logit, as torch.argmax */
  best: Uint32Array;
}

interface RowStats {
  lse: number;
  entropy: number;
  best: number;
}

/** The first id of the largest logit of a row. */
function largest(logits: ArrayLike<number>, row: number, vocab: number): number {
  let best = 0;
  for (let v = 1; v < vocab; v++) if (logits[row * vocab + v]! > logits[row * vocab + best]!) best = v;
  return best;
}

/** Log-sum-exp, entropy and largest entry of one row of logits / temperature. */
function rowStats(logits: ArrayLike<number>, row: number, vocab: number, temperature: number): RowStats {
  let top = -Infinity;
  for (let v = 0; v < vocab; v++) top = Math.max(top, logits[row * vocab + v]! / temperature);
  let total = 0;
  for (let v = 0; v < vocab; v++) total += Math.exp(logits[row * vocab + v]! / temperature - top);
  const lse = top + Math.log(total);
  let entropy = 0;
  for (let v = 0; v < vocab; v++) {
    const logp = logits[row * vocab + v]! / temperature - lse;
    // A suppressed token (-Infinity) contributes 0, not 0 * Infinity.
    if (logp > -Infinity) entropy -= Math.exp(logp) * logp;
  }
  return { lse, entropy, best: largest(logits, row, vocab) };
}

/**
 * Log-probability, entropy, log-sum-exp and most likely id per label, of softmax(logits / temperature).
 * @param logits (rows, V) @param labels any number per row, in any order @param vocab V
 */
export function headStats(
  logits: ArrayLike<number>,
  labels: readonly HeadLabel[],
  vocab: number,
  temperature: number,
): HeadStats {
  const stats = labels.map(({ row }) => rowStats(logits, row, vocab, temperature));
  return {
    logp: Float64Array.from(
      labels,
      ({ row, target }, i) => logits[row * vocab + target]! / temperature - stats[i]!.lse,
    ),
    entropy: Float64Array.from(stats, (s) => s.entropy),
    lse: Float64Array.from(stats, (s) => s.lse),
    best: Uint32Array.from(stats, (s) => s.best),
  };
}

/**
 * dz_v = [c (1[v = y] - p_v) - e p_v (log p_v + H)] / temperature, summed over the labels of a row.
 * @param logits (rows, V) @param coefficients one per label
 * @returns (rows, V); rows without a label are 0
 */
export function headBackward(
  logits: ArrayLike<number>,
  labels: readonly HeadLabel[],
  coefficients: readonly HeadCoefficient[],
  vocab: number,
  temperature: number,
): Float64Array {
  const dLogits = new Float64Array(logits.length);
  labels.forEach(({ row, target }, i) => {
    const { c, e } = coefficients[i]!;
    const { lse, entropy } = rowStats(logits, row, vocab, temperature);
    for (let v = 0; v < vocab; v++) {
      const logp = logits[row * vocab + v]! / temperature - lse;
      const p = Math.exp(logp);
      const entropyPart = p > 0 ? e * p * (logp + entropy) : 0;
      dLogits[row * vocab + v]! += (c * ((v === target ? 1 : 0) - p) - entropyPart) / temperature;
    }
  });
  return dLogits;
}
