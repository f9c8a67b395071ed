// Which sequences decode together: as many as the key-value cache has rows for. Counts only.

import type { Decisions } from '../budgets/decisions';

/** One completion that is to be drawn. */
export interface Sequence {
  prompt: number;
  /** Its number among the prompt's completions: part of the sampling key. */
  generation: number;
  mode: number;
}

/** Sequences that decode together; `prompt` of each is an index into `prompts`. */
export interface GeneratePart {
  prompts: number[];
  sequences: Sequence[];
}

/**
 * Cuts sequences into parts, in order; completions of one prompt may fall into several, which all compute the prompt.
 * A part always has one sequence at least.
 * @param sequences those of one prompt in a row @param promptTokens by prompt
 */
export function partsOf(
  sequences: readonly Sequence[],
  promptTokens: readonly number[],
  maxNewTokens: number,
  { cacheRows, sequencesTogether }: Pick<Decisions, 'cacheRows' | 'sequencesTogether'>,
): GeneratePart[] {
  const parts: GeneratePart[] = [];
  let rows = 0;
  for (const sequence of sequences) {
    let part = parts.at(-1);
    const isNew = part?.prompts.at(-1) !== sequence.prompt;
    const own = maxNewTokens + (isNew ? promptTokens[sequence.prompt]! : 0);
    if (!part || rows + own > cacheRows || part.sequences.length >= sequencesTogether) {
      parts.push((part = { prompts: [], sequences: [] }));
      rows = 0;
    }
    if (part.prompts.at(-1) !== sequence.prompt) {
      part.prompts.push(sequence.prompt);
      rows += promptTokens[sequence.prompt]!;
    }
    rows += maxNewTokens;
    part.sequences.push({ ...sequence, prompt: part.prompts.length - 1 });
  }
  return parts;
}
