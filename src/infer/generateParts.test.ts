import { expect, test } from 'vitest';
import { partsOf, type Sequence } from './generateParts';

/** Two prompts of 10 and 20 tokens with three completions each. */
const SEQUENCES: Sequence[] = [0, 1].flatMap((prompt) =>
  [0, 1, 2].map((generation) => ({ prompt, generation, mode: 0 })),
);
const LENGTHS = [10, 20];
const NEW = 5;

const cut = (cacheRows: number, sequencesTogether = 100) =>
  partsOf(SEQUENCES, LENGTHS, NEW, { cacheRows, sequencesTogether });

/** [prompt of the call, generation] of every sequence, part by part. */
const named = (parts: ReturnType<typeof cut>) =>
  parts.map(({ prompts, sequences }) => sequences.map(({ prompt, generation }) => [prompts[prompt], generation]));

test('all sequences decode together where the cache has rows for all', () => {
  // 10 + 3 x 5 + 20 + 3 x 5 rows.
  expect(cut(60)).toEqual([{ prompts: [0, 1], sequences: SEQUENCES }]);
});

test('a cache that lacks one row is filled in two parts, each with the prompts that it needs', () => {
  expect(named(cut(59))).toEqual([
    [
      [0, 0],
      [0, 1],
      [0, 2],
      [1, 0],
      [1, 1],
    ],
    [[1, 2]],
  ]);
  expect(cut(59)[1]!.prompts).toEqual([1]);
});

test('a group that is too large for the cache is cut, and its prompt computed again', () => {
  expect(named(cut(25))).toEqual([
    [
      [0, 0],
      [0, 1],
      [0, 2],
    ],
    [[1, 0]],
    [[1, 1]],
    [[1, 2]],
  ]);
});

test('the number of sequences is bounded too, and a part is never empty', () => {
  expect(named(cut(1000, 2)).map((part) => part.length)).toEqual([2, 2, 2]);
  expect(named(cut(1)).map((part) => part.length)).toEqual([1, 1, 1, 1, 1, 1]);
  expect(partsOf([], [], NEW, { cacheRows: 1, sequencesTogether: 1 })).toEqual([]);
});
