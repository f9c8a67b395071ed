// Tokens of a rendered prompt as the pieces that the preview draws: placeholders of a picture folded into one. Pure.

import type { PromptToken, RenderedPrompt } from '../../protocol/messages';

export type PromptPiece =
  | { kind: 'token'; token: PromptToken }
  /** `count` placeholders in a row. */
  | { kind: 'image'; text: string; count: number };

/** Where the preview begins a new block: the turns of the chat, and the target. */
export interface PromptBlock {
  part: 'prompt' | 'target';
  pieces: PromptPiece[];
}

/** Folds runs of placeholders; every other token stays a piece of its own. */
export function foldImages(tokens: readonly PromptToken[]): PromptPiece[] {
  const pieces: PromptPiece[] = [];
  for (const token of tokens) {
    const last = pieces[pieces.length - 1];
    if (!token.image) pieces.push({ kind: 'token', token });
    else if (last?.kind === 'image') last.count += 1;
    else pieces.push({ kind: 'image', text: token.text, count: 1 });
  }
  return pieces;
}

/** Prompt and target, each cut where a line ends with a special token before it (`<|im_end|>` and a newline). */
export function promptBlocks({ tokens, promptLength }: RenderedPrompt): PromptBlock[] {
  const cut = (part: PromptBlock['part'], own: readonly PromptToken[]): PromptBlock[] => {
    const blocks: PromptToken[][] = [[]];
    own.forEach((token, i) => {
      blocks[blocks.length - 1]!.push(token);
      const turnEnds = token.text.startsWith('\n') && own[i - 1]?.special === true && i < own.length - 1;
      if (turnEnds) blocks.push([]);
    });
    return blocks.map((block) => ({ part, pieces: foldImages(block) }));
  };
  return [...cut('prompt', tokens.slice(0, promptLength)), ...cut('target', tokens.slice(promptLength))];
}
