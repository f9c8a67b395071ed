// The size rule of the Qwen2-VL image processor and what follows from it: grid and token count. No pixels here.

import { LorikeetError } from '../base/errors';
import type { ImageProcessor } from './processorConfig';

const MAX_ASPECT_RATIO = 200;

export type SizeLimits = Pick<ImageProcessor, 'min_pixels' | 'max_pixels'>;

/** Python's round(): halves go to the even neighbour. */
function roundHalfToEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

/**
 * Size to resize a picture to: multiples of `factor` near the original, between the pixel limits. Not idempotent at
 * extreme ratios: apply it once. The order of the float operations is that of `smart_resize` in transformers.
 * @param height, width pixels @param factor patch_size * merge_size
 * @throws image.aspectRatio when one side is over 200 times the other; image.size for sizes that are no pixel counts
 */
export function smartResize(
  height: number,
  width: number,
  factor: number,
  limits: SizeLimits,
): { height: number; width: number } {
  checkSize(height, width);
  let h = factor * roundHalfToEven(height / factor);
  let w = factor * roundHalfToEven(width / factor);
  if (h * w > limits.max_pixels) {
    const beta = Math.sqrt((height * width) / limits.max_pixels);
    h = Math.max(factor, Math.floor(height / beta / factor) * factor);
    w = Math.max(factor, Math.floor(width / beta / factor) * factor);
  } else if (h * w < limits.min_pixels) {
    const beta = Math.sqrt(limits.min_pixels / (height * width));
    h = Math.ceil((height * beta) / factor) * factor;
    w = Math.ceil((width * beta) / factor) * factor;
  }
  return { height: h, width: w };
}

function checkSize(height: number, width: number): void {
  if (!(Number.isInteger(height) && Number.isInteger(width) && height > 0 && width > 0)) {
    throw new LorikeetError('image.size', `picture of ${width} x ${height}: both sides must be whole and above 0`);
  }
  if (Math.max(height, width) / Math.min(height, width) > MAX_ASPECT_RATIO) {
    throw new LorikeetError(
      'image.aspectRatio',
      `picture of ${width} x ${height}: one side is more than ${MAX_ASPECT_RATIO} times the other, which the model's ` +
        'image processor refuses',
      'Crop or pad the picture.',
    );
  }
}

/**
 * Patch grid of a picture of the given size, as `image_grid_thw` holds it.
 * @returns [1, H, W] in patches @throws as smartResize
 */
export function imageGrid(width: number, height: number, processor: ImageProcessor): [1, number, number] {
  const size = smartResize(height, width, processor.patch_size * processor.merge_size, processor);
  return [1, size.height / processor.patch_size, size.width / processor.patch_size];
}

/** Image placeholders that a grid of patches takes in the prompt: T*H*W / merge_size^2. */
export function gridTokenCount([t, h, w]: readonly [number, number, number], mergeSize: number): number {
  return (t * h * w) / mergeSize ** 2;
}

/** Image placeholders that a picture of this size takes in the prompt. Throws as smartResize. */
export function imageTokenCount(width: number, height: number, processor: ImageProcessor): number {
  return gridTokenCount(imageGrid(width, height, processor), processor.merge_size);
}
