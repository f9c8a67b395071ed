import { expect, it } from 'vitest';
import { cosine, createSemanticReward, rememberEmbeddings } from './semantic';

/** A real encoder in miniature: letter counts. `asked` records what it was called with. */
function letterCounts(asked: string[][]): (texts: string[]) => Promise<Float32Array[]> {
  return async (texts) => {
    asked.push(texts);
    return texts.map((text) => {
      const row = new Float32Array(26);
      for (const letter of text.match(/[a-z]/g) ?? []) row[letter.charCodeAt(0) - 97]!++;
      return row;
    });
  };
}

it('is the cosine, rounded to 4 places, of the first two answer words with the lower-case truth', async () => {
  const reward = createSemanticReward(letterCounts([]));
  const completions = ['<answer>Ab!</answer>', '<answer>abc</answer>', 'no tag'];
  // ab with ab; abc with ab: 2 / sqrt(2 * 3); invalid with n: 1 / 3 (i n v a l i d: squares sum to 9).
  expect(await reward.score({ completions, answers: [' AB\n', 'ab', 'n'] })).toEqual([1, 0.8165, 0.3333]);
});

it('asks the encoder once per unseen text, in batches of at most 32', async () => {
  const asked: string[][] = [];
  const embed = rememberEmbeddings(letterCounts(asked));
  await embed(['a', 'b', 'a']);
  await embed(['b', 'c']);
  expect(asked).toEqual([['a', 'b'], ['c']]);
  await embed(Array.from({ length: 40 }, (_, i) => `t${i}`));
  expect(asked.slice(2).map((texts) => texts.length)).toEqual([32, 8]);
});

it('forgets the least recently used text first and still answers calls larger than its memory', async () => {
  const asked: string[][] = [];
  const embed = rememberEmbeddings(letterCounts(asked), 2);
  const rows = await embed(['a', 'b', 'c']);
  expect(rows.map((row) => row.indexOf(1))).toEqual([0, 1, 2]);
  await embed(['b']);
  await embed(['d']);
  await embed(['b']);
  await embed(['c']);
  expect(asked).toEqual([['a', 'b', 'c'], ['d'], ['c']]);
});

it('gives the cosine of vectors of any length', () => {
  expect(cosine([3, 0], [3, 4])).toBeCloseTo(0.6, 15);
});
