// The EXIF orientation of a JPEG or PNG and its application. The recipe ignores it; only `applyExif` asks for it.

import { jpegSegments } from './jpegHeader';
import type { RgbImage } from './rgbImage';

const APP1 = 0xe1;
const ORIENTATION_TAG = 0x0112;
const UPRIGHT = 1;

/** Bytes of the TIFF structure that holds the EXIF data, or undefined. */
function exifBlock(bytes: Uint8Array, format: 'png' | 'jpeg'): Uint8Array | undefined {
  if (format === 'png') return pngExif(bytes);
  for (const { marker, start, end } of jpegSegments(bytes)) {
    const isExif = marker === APP1 && String.fromCharCode(...bytes.subarray(start + 4, start + 10)) === 'Exif\0\0';
    if (isExif) return bytes.subarray(start + 10, end);
  }
  return undefined;
}

function pngExif(bytes: Uint8Array): Uint8Array | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 8; at + 12 <= bytes.length; at += 12 + view.getUint32(at)) {
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (type === 'eXIf') return bytes.subarray(at + 8, at + 8 + view.getUint32(at));
  }
  return undefined;
}

/**
 * Orientation 1 to 8 from the first directory of the EXIF data; 1 (upright) when there is none or it is damaged,
 * as metadata is no reason to refuse a picture.
 */
export function exifOrientation(bytes: Uint8Array, format: 'png' | 'jpeg'): number {
  const block = exifBlock(bytes, format);
  if (!block || block.length < 14) return UPRIGHT;
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  const little = view.getUint16(0) === 0x4949;
  const directory = view.getUint32(4, little);
  if (directory + 2 > block.length) return UPRIGHT;
  const entries = view.getUint16(directory, little);
  for (let i = 0; i < entries; i++) {
    const at = directory + 2 + 12 * i;
    if (at + 12 > block.length) return UPRIGHT;
    if (view.getUint16(at, little) !== ORIENTATION_TAG) continue;
    const value = view.getUint16(at + 8, little);
    return value >= 1 && value <= 8 ? value : UPRIGHT;
  }
  return UPRIGHT;
}

/**
 * Turns a stored picture upright.
 * @param orientation 1 to 8 as in EXIF: 2, 4, 5, 7 mirror; 5 to 8 swap width and height
 */
export function applyOrientation(image: RgbImage, orientation: number): RgbImage {
  if (orientation === UPRIGHT) return image;
  const { width, height, data, alpha } = image;
  const swaps = orientation >= 5;
  const [outWidth, outHeight] = swaps ? [height, width] : [width, height];
  // In the stored picture: is its column counted from the right, its row from the bottom?
  const flipColumn = [2, 3, 7, 8].includes(orientation);
  const flipRow = [3, 4, 6, 7].includes(orientation);
  const out: RgbImage = { width: outWidth, height: outHeight, data: new Uint8Array(data.length) };
  if (alpha) out.alpha = new Uint8Array(alpha.length);
  for (let y = 0; y < outHeight; y++) {
    for (let x = 0; x < outWidth; x++) {
      const [column, row] = swaps ? [y, x] : [x, y];
      const from = (flipRow ? height - 1 - row : row) * width + (flipColumn ? width - 1 - column : column);
      const to = y * outWidth + x;
      for (let c = 0; c < 3; c++) out.data[3 * to + c] = data[3 * from + c]!;
      if (alpha && out.alpha) out.alpha[to] = alpha[from]!;
    }
  }
  return out;
}
