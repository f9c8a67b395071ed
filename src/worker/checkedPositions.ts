// Which tokens a check case holds the logits of. Pure.

/** Bytes of logits above which a case holds the last positions only. */
const MOST_BYTES = 64e6;
/** As many as the script that checks the case asks for. */
const LAST = 8;

/**
 * The token positions whose logits a check case holds; null: all.
 * @param tokens of the case's row @param vocabulary logits per token, 4 bytes each
 */
export function checkedPositions(tokens: number, vocabulary: number): number[] | null {
  if (tokens * vocabulary * 4 <= MOST_BYTES) return null;
  const count = Math.min(LAST, tokens);
  return Array.from({ length: count }, (_, i) => tokens - count + i);
}
