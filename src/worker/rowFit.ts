// How it is said that no row fits, or that there is none. Must not count tokens.

import { LorikeetError } from '../base/errors';

/** A row that does not fit, in tokens. */
export interface Misfit {
  /** What passed the limit: tokens of the prompt, or of the whole row. */
  tokens: number;
  /** Of these. */
  pictureTokens: number;
  limit: number;
  /** What sets the limit, in the recipe's name. */
  limitedBy: string;
}

/** The end of a sentence on rows of which none fits. @param nearest the one with the fewest tokens */
export function noneFits({ tokens, pictureTokens, limit, limitedBy }: Misfit): string {
  const what = limitedBy === 'max_prompt_length' ? 'prompt' : 'row';
  const share = pictureTokens > 0 ? `, ${pictureTokens} of them the picture's` : '';
  return `even the shortest ${what} has ${tokens} tokens${share}; ${limitedBy} is ${limit}.`;
}

const SHORTER = 'use shorter texts or smaller pictures.';

/** What to do about a limit. */
function hintOf(limitedBy: string): string {
  const isOption = limitedBy === 'max_prompt_length' || limitedBy === 'max_length';
  return isOption ? `Raise ${limitedBy}, or ${SHORTER}` : `U${SHORTER.slice(1)}`;
}

/**
 * Why a dataset gives nothing to train on.
 * @param rows all of the dataset @param nearest its training row with the fewest tokens; null: there is no training row
 * @returns data.empty
 */
export function nothingToTrain(
  name: string,
  rows: readonly { split: 'train' | 'val' }[],
  nearest: Misfit | null,
): LorikeetError {
  if (!nearest) {
    const all = rows.length > 0 ? ': all its rows are for validation' : '';
    return new LorikeetError('data.empty', `"${name}" has no row to train on${all}.`, 'Add rows for training.');
  }
  const count = rows.filter(({ split }) => split === 'train').length;
  const message = `None of the ${count} rows of "${name}" can be trained on: ${noneFits(nearest)}`;
  return new LorikeetError('data.empty', message, hintOf(nearest.limitedBy));
}
