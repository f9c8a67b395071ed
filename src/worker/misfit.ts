// A row that training leaves out, as the sentences about it need it. Types only.

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
