// @vitest-environment node
import { expect, test } from 'vitest';
import { parseImageProcessor } from '../image/processorConfig';
import { longPictures } from './longPictures';
import type { Misfit } from './misfit';

const PROCESSOR = parseImageProcessor({});

function misfit(textTokens: number, pictureTokens: number, limitedBy = 'max_prompt_length'): Misfit {
  return { tokens: textTokens + pictureTokens, pictureTokens, limit: 1024, limitedBy };
}

test('the longest text decides the limit: all rows fit with it', () => {
  const found = longPictures([misfit(60, 999), misfit(124, 1200), misfit(80, 999)], PROCESSOR);
  // 900 tokens of 28 x 28 pixels are left beside the text of 124.
  expect(found).toMatchObject({ rows: 3, mend: { option: 'max_pixels', value: 705600 } });
});

test('rows whose text is what is long, and rows over another limit, are none of the pictures’', () => {
  expect(longPictures([misfit(1000, 64), misfit(900, 400), misfit(60, 999, 'max_length')], PROCESSOR)).toBe(null);
  expect(longPictures([misfit(1000, 64), misfit(60, 999)], PROCESSOR)).toMatchObject({ rows: 1 });
});

test('a limit below the model’s smallest picture is not offered', () => {
  expect(longPictures([misfit(60, 999)], { ...PROCESSOR, min_pixels: 965 * 784 })).toBe(null);
});

test('one row is told in the singular', () => {
  expect(longPictures([misfit(60, 999)], PROCESSOR)!.sentence).toBe(
    '1 row is left out because its picture is too long for max_prompt_length 1024: with "max_pixels": 755776 in the recipe it fits',
  );
});
