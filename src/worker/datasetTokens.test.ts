// @vitest-environment node
import { readFileSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import type { DatasetRow } from '../base/dataset';
import type { Recipe } from '../recipe/config';
import { pictureSize } from '../image/view';
import { presets } from '../recipe/presets';
import { countTokens } from './datasetTokens';
import { demoFolder } from '../base/testing/demoFolder';
import { loadTextModel, type TextModel } from './textModel';

const PICTURE = pictureSize(
  new Uint8Array(readFileSync(new URL('../../public/demo/data/images/train_000.png', import.meta.url))),
);
/** A photo of 1024 x 768 that was taken upright: 1024 high as seen. */
const PHOTO = { width: 1024, height: 768, orientation: 6 };

function row(line: number, question: string): DatasetRow {
  const texts = { question, thought: 'A star.', answer: 'star', file: 'a.jsonl' };
  return { image: 'x', imageName: 'x.png', split: 'train', line, ...texts };
}

let model: TextModel;
beforeAll(async () => {
  model = await loadTextModel({ kind: 'files', name: 'demo', files: demoFolder() });
});

async function report(rows: DatasetRow[], change: (recipe: Recipe) => void, picture = PICTURE) {
  const recipe = structuredClone(presets.demo);
  change(recipe);
  return countTokens(rows, new Map([['x', picture]]), recipe, model, () => {});
}

async function problems(...given: Parameters<typeof report>) {
  return (await report(...given)).problems;
}

test('where no row fits, one sentence says so first, with the picture’s share and the limit', async () => {
  const rows = [row(1, 'What shape is left of the square?'), row(2, 'What is red?')];
  const found = await problems(rows, (recipe) => (recipe.max_prompt_length = 20));
  expect(found).toHaveLength(3);
  expect(found[0]).toMatchObject({ level: 'warning', code: 'data.noneFits', file: 'a.jsonl' });
  expect(found[0]!.message).toMatch(
    /^none of the 2 rows fits: even the shortest prompt has \d+ tokens, 16 of them the picture's; max_prompt_length is 20\.$/,
  );
  expect(found[1]).toMatchObject({ code: 'row.promptTooLong', line: 1 });
});

test('where some rows fit, only those that do not are named', async () => {
  const found = await problems([row(1, 'What is red?'), row(2, 'What is red? '.repeat(60))], () => {});
  expect(found).toEqual([expect.objectContaining({ code: 'row.promptTooLong', line: 2 })]);
});

test('a recipe’s max_pixels makes pictures take fewer tokens, in every count', async () => {
  const plain = await report([row(1, 'What is red?')], () => {});
  const limited = await report([row(1, 'What is red?')], (recipe) => (recipe.max_pixels = 28 * 28 * 4));
  // The demo's picture is 112 x 112: 16 tokens of 28 x 28, or 4.
  expect(plain.rows[0]!.promptTokens! - limited.rows[0]!.promptTokens!).toBe(12);
  expect(plain.prompt.max - limited.prompt.max).toBe(12);
});

test('where pictures are too long, one sentence says how many rows that costs and which max_pixels keeps them', async () => {
  const rows = [row(1, 'What is red?'), row(2, 'What shape is left of the square?'), row(3, 'x '.repeat(900))];
  const larger = (recipe: Recipe): void => {
    recipe.max_prompt_length = 1024;
    recipe.min_pixels = 3136;
    recipe.max_pixels = 1003520;
  };
  const [first, ...rest] = (await problems(rows, larger, PHOTO)).filter(({ mend }) => mend);
  expect(rest).toEqual([]);
  const { value } = first!.mend!;
  expect(first!.message).toBe(
    `2 rows are left out because their pictures are too long for max_prompt_length 1024: with "max_pixels": ${value} in the recipe they fit.`,
  );
  const mended = await problems(rows, (recipe) => (larger(recipe), (recipe.max_pixels = value)), PHOTO);
  expect(mended).toEqual([expect.objectContaining({ code: 'row.promptTooLong', line: 3 })]);
});
