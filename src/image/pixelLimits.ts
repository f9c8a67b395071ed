// A recipe's limits on the size of pictures, in place of the image processor's own. Must not touch pixels.

import { check } from '../base/errors';
import type { ImageProcessor } from './processorConfig';

/** As given in a recipe; null: the processor's own. */
export interface PixelLimits {
  min_pixels: number | null;
  max_pixels: number | null;
}

/**
 * The processor with the limits of a recipe, as transformers takes `min_pixels` and `max_pixels` of its image processor:
 * each replaces its own alone.
 * @throws image.pixelLimits where the smallest picture would be larger than the largest
 */
export function withPixelLimits(processor: ImageProcessor, limits: PixelLimits): ImageProcessor {
  const min_pixels = limits.min_pixels ?? processor.min_pixels;
  const max_pixels = limits.max_pixels ?? processor.max_pixels;
  const whose = (given: number | null): string => (given === null ? "the model's" : "the recipe's");
  check(
    min_pixels <= max_pixels,
    'image.pixelLimits',
    `min_pixels ${min_pixels} (${whose(limits.min_pixels)}) is above max_pixels ${max_pixels} (${whose(limits.max_pixels)})`,
    'Give a recipe with both, or with one that agrees with the model’s preprocessor_config.json.',
  );
  return { ...processor, min_pixels, max_pixels };
}
