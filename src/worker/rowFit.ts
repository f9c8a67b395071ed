// How it is said that no row fits, or that there is none. Must not count tokens.

import { LorikeetError } from '../base/errors';
import type { LongPictures } from './longPictures';
import type { Misfit } from './misfit';

/** The end of a sentence on rows of which none fits. @param nearest the one with the fewest tokens */
export function noneFits({ tokens, pictureTokens, limit, limitedBy }: Misfit): string {
  const what = limitedBy === 'max_prompt_length' ? 'prompt' : 'row';
  const share = pictureTokens > 0 ? `, ${pictureTokens} of them the picture's` : '';
  return `even the shortest ${what} has ${tokens} tokens${share}; ${limitedBy} is ${limit}.`;
}

const SHORTER = 'use shorter texts or smaller pictures.';

/** What to do about a limit. */
function hintOf(limitedBy: string, pictures: LongPictures | null): string {
  if (pictures) {
    const { rows, mend } = pictures;
    return `Put "${mend.option}": ${mend.value} into the recipe: with smaller pictures ${rows === 1 ? '1 row fits' : `${rows} rows fit`}. Or raise ${limitedBy}.`;
  }
  const isOption = limitedBy === 'max_prompt_length' || limitedBy === 'max_length';
  return isOption ? `Raise ${limitedBy}, or ${SHORTER}` : `U${SHORTER.slice(1)}`;
}

/**
 * Why a dataset gives nothing to train on.
 * @param rows all of the dataset @param nearest its training row with the fewest tokens; null: there is no training row
 * @param pictures what smaller pictures would mend
 * @returns data.empty
 */
export function nothingToTrain(
  name: string,
  rows: readonly { split: 'train' | 'val' }[],
  nearest: Misfit | null,
  pictures: LongPictures | null = null,
): LorikeetError {
  if (!nearest) {
    const all = rows.length > 0 ? ': all its rows are for validation' : '';
    return new LorikeetError('data.empty', `"${name}" has no row to train on${all}.`, 'Add rows for training.');
  }
  const count = rows.filter(({ split }) => split === 'train').length;
  const message = `None of the ${count} rows of "${name}" can be trained on: ${noneFits(nearest)}`;
  return new LorikeetError('data.empty', message, hintOf(nearest.limitedBy, pictures));
}
