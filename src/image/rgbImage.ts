// The decoded picture, and what the recipe's and today's loaders make of its alpha. Must not decode or resize.

/** 8-bit sRGB pixels as stored in the file, row-major, without colour management. */
export interface RgbImage {
  width: number;
  height: number;
  /** (H, W, 3) u8, not premultiplied. */
  data: Uint8Array;
  /** (H, W) u8, 255 opaque; absent when the file has none. */
  alpha?: Uint8Array;
}

/** As the recipe does it: alpha is dropped, hidden colours show. Shares `data` with the input. */
export function recipeRgb(image: RgbImage): RgbImage {
  return { width: image.width, height: image.height, data: image.data };
}

/**
 * As transformers' convert_to_rgb does it: transparency composited on white, rounded as Pillow's alpha_composite does
 * with an opaque background. Shares `data` with the input when there is no alpha.
 */
export function libraryRgb(image: RgbImage): RgbImage {
  const { width, height, data, alpha } = image;
  if (!alpha) return recipeRgb(image);
  const out = new Uint8Array(data.length);
  for (let pixel = 0; pixel < alpha.length; pixel++) {
    const a = alpha[pixel]!;
    for (let i = 3 * pixel; i < 3 * pixel + 3; i++) out[i] = divideBy255(data[i]! * a + 255 * (255 - a));
  }
  return { width, height, data: out };
}

/** round(x / 255) for 0 <= x <= 255 * 255, in integers. */
function divideBy255(x: number): number {
  const y = x + 128;
  return (y + (y >> 8)) >> 8;
}
