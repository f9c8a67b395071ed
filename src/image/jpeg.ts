// JPEG bytes -> RGB through the browser's own decoder, made blind to orientation and colour profiles.
// Needs createImageBitmap and OffscreenCanvas (page or worker); Node has neither.

import { check, LorikeetError } from '../base/errors';
import { jpegSegments } from './jpegHeader';
import type { RgbImage } from './rgbImage';

const APP1 = 0xe1;
const APP2 = 0xe2;

/**
 * The file without its APP1 (EXIF, XMP) and APP2 (colour profile) segments. Chromium 156 turns a picture by its EXIF
 * orientation even with `imageOrientation: 'none'` (a 100 x 60 file came out 60 x 100), and engines differ in honouring
 * `colorSpaceConversion: 'none'`; what is not in the file cannot be applied. To be kept until all engines honour both.
 * @throws as jpegSegments
 */
export function stripMetadata(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const kept: Uint8Array[] = [bytes.subarray(0, 2)];
  const segments = jpegSegments(bytes);
  for (const { marker, start, end } of segments) {
    if (marker !== APP1 && marker !== APP2) kept.push(bytes.subarray(start, end));
  }
  kept.push(bytes.subarray(segments[segments.length - 1]!.end));
  const out = new Uint8Array(kept.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of kept) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Browsers paint what they have of a cut file without an error, so the end marker is looked for. */
function checkComplete(bytes: Uint8Array): void {
  const data = jpegSegments(bytes).at(-1)?.end ?? 0;
  for (let at = bytes.length - 2; at >= data; at--) if (bytes[at] === 0xff && bytes[at + 1] === 0xd9) return;
  throw new LorikeetError(
    'image.truncated',
    `JPEG has no end marker in its ${bytes.length} bytes: the file is cut`,
    'Copy the file again, or open and save it with a picture program.',
  );
}

/** Drops the fourth byte of each RGBA pixel. */
function rgbOf(rgba: Uint8ClampedArray): Uint8Array {
  const out = new Uint8Array((rgba.length / 4) * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4, to += 3) {
    out[to] = rgba[from]!;
    out[to + 1] = rgba[from + 1]!;
    out[to + 2] = rgba[from + 2]!;
  }
  return out;
}

/**
 * Decodes a JPEG as stored: no rotation, no colour management. A JPEG has no alpha, so the canvas changes nothing.
 * @param bytes a file whose header was accepted (header.ts)
 * @returns (H, W, 3); another decoder may differ by 2 levels
 * @throws image.truncated, image.corrupt, image.noDecoder outside a browser
 */
export async function decodeJpeg(bytes: Uint8Array): Promise<RgbImage> {
  checkComplete(bytes);
  check(
    typeof createImageBitmap === 'function' && typeof OffscreenCanvas === 'function',
    'image.noDecoder',
    'JPEG pictures can only be decoded in a browser: createImageBitmap or OffscreenCanvas is missing here',
    'Convert the picture to PNG.',
  );
  const blob = new Blob([stripMetadata(bytes)], { type: 'image/jpeg' });
  const bitmap = await createImageBitmap(blob, {
    imageOrientation: 'none',
    colorSpaceConversion: 'none',
    premultiplyAlpha: 'none',
  }).catch((error: unknown) => {
    throw new LorikeetError('image.corrupt', `JPEG cannot be decoded: ${String(error)}`, 'Save the picture again.');
  });
  const { width, height } = bitmap;
  // willReadFrequently keeps the canvas in main memory: no GPU round trip and no GPU rounding.
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true, alpha: false });
  check(context, 'image.noDecoder', `no canvas of ${width} x ${height} for decoding`, 'Close other tabs and retry.');
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return { width, height, data: rgbOf(context.getImageData(0, 0, width, height).data) };
}
