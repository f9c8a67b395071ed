// @vitest-environment node
import { expect, test } from 'vitest';
import { parseImageProcessor } from './processorConfig';
import { withPixelLimits } from './pixelLimits';
import { imageTokenCount } from './smartResize';

const PROCESSOR = parseImageProcessor({ min_pixels: 3136, max_pixels: 1003520 });

test('each limit of a recipe takes the place of the processor’s own, and null leaves it', () => {
  expect(withPixelLimits(PROCESSOR, { min_pixels: null, max_pixels: null })).toEqual(PROCESSOR);
  expect(withPixelLimits(PROCESSOR, { min_pixels: 6272, max_pixels: null })).toMatchObject({
    ...{ min_pixels: 6272, max_pixels: 1003520 },
  });
  expect(withPixelLimits(PROCESSOR, { min_pixels: null, max_pixels: 313600 })).toMatchObject({
    ...{ min_pixels: 3136, max_pixels: 313600 },
  });
});

// 999 and 391 are transformers' smart_resize(768, 1024, 28, 3136, LIMIT): 756 x 1036 and 476 x 644.
test('a photo of 1024 x 768 takes 999 tokens by the model’s own limit and fewer by the recipe’s', () => {
  expect(imageTokenCount(1024, 768, PROCESSOR)).toBe(999);
  const limited = withPixelLimits(PROCESSOR, { min_pixels: null, max_pixels: 313600 });
  expect(imageTokenCount(1024, 768, limited)).toBe(391);
});

test('a smallest size above the largest is refused, saying whose each is', () => {
  expect(() => withPixelLimits(PROCESSOR, { min_pixels: null, max_pixels: 1000 })).toThrow(
    expect.objectContaining({
      code: 'image.pixelLimits',
      message: "min_pixels 3136 (the model's) is above max_pixels 1000 (the recipe's)",
    }),
  );
});
