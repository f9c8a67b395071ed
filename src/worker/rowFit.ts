// How it is said that no row fits. Must not count tokens.

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
