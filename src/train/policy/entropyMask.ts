// TRL's top_entropy_quantile: the policy term acts only on the tokens of highest entropy.

/** Quantile by linear interpolation, in float32 like torch.quantile, so that the same token sits on the edge. */
function quantileF32(sorted: Float32Array, q: number): number {
  const rank = Math.fround(Math.fround(q) * (sorted.length - 1));
  const below = Math.floor(rank);
  const weight = Math.fround(rank - below);
  const [a, b] = [sorted[below]!, sorted[Math.ceil(rank)]!];
  const gap = Math.fround(b - a);
  if (weight < 0.5) return Math.fround(a + Math.fround(weight * gap));
  return Math.fround(b - Math.fround(gap * Math.fround(1 - weight)));
}

/**
 * Marks live tokens whose entropy reaches the (1 - share) quantile of the live tokens of the micro-batch.
 * @param entropies per row and token @param masks 1 for live tokens @param share TRL's top_entropy_quantile, 0..1
 * @returns per row and token 1 or 0; null when `share` is 1: every token is kept
 * Source: TRL 1.16 `get_high_entropy_mask`.
 */
export function highEntropyMask(
  entropies: readonly ArrayLike<number>[],
  masks: readonly Float64Array[],
  share: number,
): Float64Array[] | null {
  if (share >= 1) return null;
  const live = masks.flatMap((mask, i) => Array.from(entropies[i]!).filter((_, t) => mask[t] !== 0));
  if (live.length === 0) return masks.map((mask) => new Float64Array(mask.length));
  const threshold = quantileF32(Float32Array.from(live).sort(), 1 - share);
  return masks.map((mask, i) => mask.map((value, t) => (value !== 0 && entropies[i]![t]! >= threshold ? 1 : 0)));
}
