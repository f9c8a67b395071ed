// Float64 reference of attention over key ranges, forward and backward. For tests only; never on a hot path.
// One form serves training, decode and the vision tower: a query sees two ranges of keys, nothing else is masked.

export interface AttentionShape {
  /** Query rows; numbered apart from key rows. */
  queries: number;
  /** Key rows */
  keys: number;
  /** H */
  heads: number;
  /** K; divides H */
  kvHeads: number;
  /** D */
  headSize: number;
}

export interface AttentionResult {
  /** (queries, H, D); 0 for a query that sees no key */
  o: Float64Array;
  /** (queries, H), log of the sum of exp(scaled scores); -Infinity for a query that sees no key */
  lse: Float64Array;
}

export interface AttentionGradients {
  /** (queries, H, D) */
  dq: Float64Array;
  /** (keys, K, D) */
  dk: Float64Array;
  /** (keys, K, D) */
  dv: Float64Array;
}

/** Key rows that query `t` sees, in ascending order of the two ranges. */
function visibleKeys(ranges: ArrayLike<number>, t: number): number[] {
  const [prefixStart, prefixEnd] = [ranges[4 * t]!, ranges[4 * t + 1]!];
  const [segmentStart, segmentEnd] = [ranges[4 * t + 2]!, ranges[4 * t + 3]!];
  const keys: number[] = [];
  for (let j = prefixStart; j < prefixEnd; j++) keys.push(j);
  for (let j = segmentStart; j < segmentEnd; j++) keys.push(j);
  return keys;
}

/** Query head to key/value head: floor(h K / H). */
function kvHeadOf(head: number, { heads, kvHeads }: AttentionShape): number {
  return Math.floor((head * kvHeads) / heads);
}

/** q . k D^-0.5 for one query row and head against each key of `keys`. */
function scaledScores(
  q: ArrayLike<number>,
  k: ArrayLike<number>,
  keys: readonly number[],
  qAt: number,
  kvHead: number,
  { kvHeads, headSize }: AttentionShape,
): number[] {
  return keys.map((j) => {
    let dot = 0;
    for (let d = 0; d < headSize; d++) dot += q[qAt + d]! * k[(j * kvHeads + kvHead) * headSize + d]!;
    return dot / Math.sqrt(headSize);
  });
}

/**
 * o = softmax(q k^T D^-0.5) v over the keys in [prefixStart, prefixEnd) and [segmentStart, segmentEnd) of each query.
 * @param q (queries, H, D) @param k (keys, K, D) @param v (keys, K, D)
 * @param ranges (queries, 4): prefixStart, prefixEnd, segmentStart, segmentEnd; ends exclusive, the two do not overlap
 */
export function rangeAttention(
  q: ArrayLike<number>,
  k: ArrayLike<number>,
  v: ArrayLike<number>,
  ranges: ArrayLike<number>,
  shape: AttentionShape,
): AttentionResult {
  const { queries, heads, kvHeads, headSize } = shape;
  const o = new Float64Array(queries * heads * headSize);
  const lse = new Float64Array(queries * heads).fill(-Infinity);
  for (let t = 0; t < queries; t++) {
    const keys = visibleKeys(ranges, t);
    if (keys.length === 0) continue;
    for (let h = 0; h < heads; h++) {
      const at = (t * heads + h) * headSize;
      const kvHead = kvHeadOf(h, shape);
      const scores = scaledScores(q, k, keys, at, kvHead, shape);
      const top = scores.reduce((a, b) => Math.max(a, b));
      const total = scores.reduce((sum, s) => sum + Math.exp(s - top), 0);
      lse[t * heads + h] = top + Math.log(total);
      keys.forEach((j, i) => {
        const p = Math.exp(scores[i]! - top) / total;
        for (let d = 0; d < headSize; d++) o[at + d]! += p * v[(j * kvHeads + kvHead) * headSize + d]!;
      });
    }
  }
  return { o, lse };
}

/**
 * Gradients of rangeAttention: with p the softmax and delta = do . o per row and head,
 * dv += p do, ds = p (do . v - delta) D^-0.5, dq += ds k, dk += ds q.
 * @param dO (queries, H, D); the rest as in forward, with its results
 */
export function rangeAttentionBackward(
  dO: ArrayLike<number>,
  q: ArrayLike<number>,
  k: ArrayLike<number>,
  v: ArrayLike<number>,
  { o, lse }: AttentionResult,
  ranges: ArrayLike<number>,
  shape: AttentionShape,
): AttentionGradients {
  const { queries, heads, kvHeads, headSize } = shape;
  const dq = new Float64Array(queries * heads * headSize);
  const dk = new Float64Array(shape.keys * kvHeads * headSize);
  const dv = new Float64Array(shape.keys * kvHeads * headSize);
  for (let t = 0; t < queries; t++) {
    const keys = visibleKeys(ranges, t);
    for (let h = 0; h < heads; h++) {
      const at = (t * heads + h) * headSize;
      const kvHead = kvHeadOf(h, shape);
      const scores = scaledScores(q, k, keys, at, kvHead, shape);
      let delta = 0;
      for (let d = 0; d < headSize; d++) delta += dO[at + d]! * o[at + d]!;
      keys.forEach((j, i) => {
        const kvAt = (j * kvHeads + kvHead) * headSize;
        const p = Math.exp(scores[i]! - lse[t * heads + h]!);
        let dp = 0;
        for (let d = 0; d < headSize; d++) dp += dO[at + d]! * v[kvAt + d]!;
        const ds = (p * (dp - delta)) / Math.sqrt(headSize);
        for (let d = 0; d < headSize; d++) {
          dv[kvAt + d]! += p * dO[at + d]!;
          dk[kvAt + d]! += ds * q[at + d]!;
          dq[at + d]! += ds * k[kvAt + d]!;
        }
      });
    }
  }
  return { dq, dk, dv };
}
