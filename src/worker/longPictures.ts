// Says how many rows are left out because their pictures are long, and which max_pixels makes them fit.

import type { Mend } from '../base/dataset';
import type { ImageProcessor } from '../image/processorConfig';
import type { Misfit } from './misfit';

/** A picture that may have less of max_prompt_length than this is no remedy: then the text is what is long. */
const LEAST_SHARE = 1 / 4;

/** Rows that a smaller picture makes fit. */
export interface LongPictures {
  rows: number;
  mend: Mend;
  /** Who is left out and what mends it, in one sentence without its full stop. */
  sentence: string;
}

/**
 * The largest limit on pictures with which every row fits that is left out for its picture's length. By the size rule a
 * picture of at most `max_pixels` takes at most max_pixels / (patch_size x merge_size)^2 tokens, since sides are multiples
 * of the divisor's root.
 * @param misfits rows that are left out @param processor with the limits in use
 * @returns null where no row is left out for that
 */
export function longPictures(misfits: readonly Misfit[], processor: ImageProcessor): LongPictures | null {
  const perToken = (processor.patch_size * processor.merge_size) ** 2;
  const room = misfits.flatMap(({ tokens, pictureTokens, limit, limitedBy }) => {
    if (limitedBy !== 'max_prompt_length') return [];
    const left = limit - (tokens - pictureTokens);
    return left >= limit * LEAST_SHARE && left * perToken >= processor.min_pixels ? [left] : [];
  });
  const [first] = misfits;
  if (room.length === 0 || !first) return null;
  const value = room.reduce((a, b) => Math.min(a, b)) * perToken;
  const limit = misfits.find(({ limitedBy }) => limitedBy === 'max_prompt_length')!.limit;
  const who =
    room.length === 1
      ? '1 row is left out because its picture is'
      : `${room.length} rows are left out because their pictures are`;
  const what = room.length === 1 ? 'it fits' : 'they fit';
  const sentence = `${who} too long for max_prompt_length ${limit}: with "max_pixels": ${value} in the recipe ${what}`;
  return { rows: room.length, mend: { option: 'max_pixels', value }, sentence };
}
