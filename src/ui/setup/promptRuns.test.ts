import { expect, test } from 'vitest';
import type { PromptToken } from '../../protocol/messages';
import { foldImages, promptBlocks } from './promptRuns';

function token(text: string, kind: '' | 'special' | 'image' = ''): PromptToken {
  return { id: 0, text, special: kind !== '', image: kind === 'image', label: false };
}
const pad = token('<|image_pad|>', 'image');

test('placeholders in a row become one piece with their number, other tokens stay', () => {
  const pieces = foldImages([token('a'), pad, pad, pad, token('b'), pad]);
  expect(pieces.map((piece) => (piece.kind === 'image' ? piece.count : piece.token.text))).toEqual(['a', 3, 'b', 1]);
});

test('blocks are the turns of the chat, and the target begins one of its own', () => {
  const end = token('<|im_end|>', 'special');
  const prompt = [
    token('system'),
    end,
    token('\n'),
    token('user'),
    pad,
    pad,
    token('?'),
    end,
    token('\n'),
    token('say'),
  ];
  const tokens = [...prompt, token('yes'), token('\n'), token('no'), end, token('\n')];
  const blocks = promptBlocks({ tokens, promptLength: prompt.length, grpoImageTokens: 2, maxPositions: 100 });
  expect(blocks.map(({ part, pieces }) => [part, pieces.length])).toEqual([
    ['prompt', 3],
    ['prompt', 5],
    ['prompt', 1],
    ['target', 5],
  ]);
});
