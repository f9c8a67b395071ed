// A picture file's bytes -> RGB as stored. The one entry to the decoders: format and size are checked before any of them.

import { applyOrientation, exifOrientation } from './exif';
import { imageSize } from './header';
import { decodeJpeg } from './jpeg';
import { decodePng } from './png';
import type { RgbImage } from './rgbImage';

export interface DecodeOptions {
  /** Turn the picture upright by its EXIF orientation. Off by default: the recipe does not. */
  applyExif?: boolean;
}

/**
 * Decodes a PNG (exactly) or a JPEG (by the browser), without colour management. The format is that of the content,
 * whatever the file is called. Choose a view of the result with recipeRgb or libraryRgb before resizing.
 * @throws image.empty, image.format, image.tooLarge, image.truncated, image.corrupt, image.unsupported,
 * image.noDecoder (JPEG outside a browser); messages name byte or chunk, the caller adds the file's name
 */
export async function decodeImage(bytes: Uint8Array, options: DecodeOptions = {}): Promise<RgbImage> {
  const { format } = imageSize(bytes);
  const image = format === 'png' ? await decodePng(bytes) : await decodeJpeg(bytes);
  return options.applyExif ? applyOrientation(image, exifOrientation(bytes, format)) : image;
}
