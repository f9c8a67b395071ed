import { expect, test } from 'vitest';
import { readRecipe, readRecipeFile } from './readRecipe';

const TEXT = '{"sft": {"max_steps": 3}, "seed": 5}';

test('a recipe’s file with a byte order mark is read as one without', async () => {
  expect(await readRecipeFile(new Blob(['\ufeff', TEXT]))).toEqual(readRecipe(TEXT));
});

test('a recipe’s file in UTF-16 is named as such', async () => {
  const units = Uint16Array.from(`\ufeff${TEXT}`, (letter) => letter.charCodeAt(0));
  await expect(readRecipeFile(new Blob([units]))).rejects.toMatchObject({
    code: 'recipe.encoding',
    message: 'The recipe cannot be read: the file is UTF-16 (little endian); save it as UTF-8.',
  });
});

test('a recipe’s file that is cut inside a character is said not to be UTF-8', async () => {
  const bytes = new TextEncoder().encode('{"system_prompt": "é').slice(0, -1);
  await expect(readRecipeFile(new Blob([bytes]))).rejects.toMatchObject({ code: 'recipe.encoding' });
});
