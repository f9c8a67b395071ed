// The recipe's Lanczos step before the image processor in GRPO: sides at least 28 and at most 512. SFT has none.

import { check } from '../base/errors';
import { resample } from './resample';
import type { RgbImage } from './rgbImage';

const MIN_SIDE = 28;
const MAX_SIDE = 512;

/**
 * Size after one application. The other side is truncated, in the recipe's order of float operations.
 * @throws image.aspectRatio when the other side would be cut to nothing
 */
export function preResizeSize(width: number, height: number): { width: number; height: number } {
  let size = { width, height };
  if (width < MIN_SIDE || height < MIN_SIDE) {
    size =
      width < height
        ? { width: MIN_SIDE, height: Math.trunc(height * (MIN_SIDE / width)) }
        : { width: Math.trunc(width * (MIN_SIDE / height)), height: MIN_SIDE };
  } else if (width > MAX_SIDE || height > MAX_SIDE) {
    size =
      width > height
        ? { width: MAX_SIDE, height: Math.trunc(height * (MAX_SIDE / width)) }
        : { width: Math.trunc(width * (MAX_SIDE / height)), height: MAX_SIDE };
  }
  check(
    size.width > 0 && size.height > 0,
    'image.aspectRatio',
    `picture of ${width} x ${height}: too thin, the recipe's pre-resize would make it ${size.width} x ${size.height}`,
    'Crop or pad the picture, or switch the pre-resize off.',
  );
  return size;
}

/** Size after the two applications of `preResize`. @throws image.aspectRatio as preResizeSize */
export function preResizedSize(width: number, height: number): { width: number; height: number } {
  const once = preResizeSize(width, height);
  return preResizeSize(once.width, once.height);
}

/**
 * Applies the step twice, as the recipe does (once in its dataset, once in its trainer): 20 x 900 becomes 28 x 1260,
 * then 11 x 512.
 * @param image (H, W, 3) u8 @throws image.aspectRatio as preResizeSize
 */
export function preResize(image: RgbImage): RgbImage {
  let out = image;
  for (let time = 0; time < 2; time++) {
    const size = preResizeSize(out.width, out.height);
    out = resample(out, size.width, size.height, 'lanczos');
  }
  return out;
}
