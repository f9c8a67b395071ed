// Text whose special tokens count only where the template wrote them, not where a user typed them.

import { check } from '../base/errors';
import type { Tokenizer } from './tokenizer';

/** A special token of the template, or the text between two of them with the user's text filled in. */
export type Segment = { special: string } | { text: string };

/** Stands for the `index`-th text from outside while a template is rendered: private-use characters, in no template. */
export function slot(index: number): string {
  return `\u{10fffc}${index}\u{10fffd}`;
}

const SLOT = /\u{10fffc}(\d+)\u{10fffd}/gu;

/**
 * Cuts rendered text at its special tokens, then fills the slots. The text between two special tokens stays whole,
 * so that its tokens are those of the finished string.
 * @param rendered text with slots @param filled the text of each slot, where special tokens mean nothing
 */
export function segment(tokenizer: Tokenizer, rendered: string, filled: readonly string[]): Segment[] {
  const special = [...tokenizer.specialTokens].sort((a, b) => b.length - a.length).map(escapeRegex);
  const parts = special.length > 0 ? rendered.split(new RegExp(`(${special.join('|')})`)) : [rendered];
  return parts.flatMap((part, index): Segment[] => {
    if (index % 2 === 1) return [{ special: part }];
    const text = part.replace(SLOT, (mark, at: string) => filled[Number(at)] ?? mark);
    return text === '' ? [] : [{ text }];
  });
}

/** Ids of the segments; `expand` may turn a special token into several ids. */
export function encodeSegments(
  tokenizer: Tokenizer,
  segments: readonly Segment[],
  expand: (special: string, id: number) => number[] = (_, id) => [id],
): number[] {
  return segments.flatMap((part) => {
    if ('text' in part) return tokenizer.encodePlain(part.text);
    const [id] = tokenizer.encode(part.special);
    check(id !== undefined, 'tokenizer.special', `the tokenizer has no id for its special token ${part.special}`);
    return expand(part.special, id);
  });
}

function escapeRegex(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
