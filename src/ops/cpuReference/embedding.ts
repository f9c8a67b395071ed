// Float64 reference of the embedding gather with image features put in. For tests only; never on a hot path.

/**
 * Row t is table[ids[t]], or features[slots[t]] where slots[t] is not negative (an image placeholder).
 * @param table (V, C) @param ids (T) @param features (rows, C) or null @param slots (T) feature row or -1, or null
 * @returns (T, C)
 */
export function embeddingGather(
  table: ArrayLike<number>,
  ids: ArrayLike<number>,
  features: ArrayLike<number> | null,
  slots: ArrayLike<number> | null,
  width: number,
): Float64Array {
  const out = new Float64Array(ids.length * width);
  for (let t = 0; t < ids.length; t++) {
    const slot = features && slots ? slots[t]! : -1;
    const source = slot >= 0 && features ? features : table;
    const row = slot >= 0 ? slot : ids[t]!;
    for (let c = 0; c < width; c++) out[t * width + c] = source[row * width + c]!;
  }
  return out;
}
