// A picture file's bytes -> RGB as stored. The one entry to the decoders: format and size are checked before any of
// them. What the model sees is a view of the result (view.ts).

import { imageSize } from './header';
import { decodeJpeg } from './jpeg';
import { decodePng } from './png';
import type { RgbImage } from './rgbImage';

/**
 * Decodes a PNG (exactly) or a JPEG (by the browser), without colour management or rotation. The format is that of the
 * content, whatever the file is called.
 * @throws image.empty, image.format, image.tooLarge, image.truncated, image.corrupt, image.unsupported,
 * image.noDecoder (JPEG outside a browser); messages name byte or chunk, the caller adds the file's name
 */
export async function decodeImage(bytes: Uint8Array): Promise<RgbImage> {
  return imageSize(bytes).format === 'png' ? decodePng(bytes) : decodeJpeg(bytes);
}
