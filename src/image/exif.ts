// The EXIF orientation of a JPEG or PNG and its application.

import { sniffImageFormat } from './header';
import { jpegSegments } from './jpegHeader';
import { PNG_SIGNATURE } from './pngChunks';
import type { RgbImage } from './rgbImage';

const APP1 = 0xe1;
const EXIF_MARK = 'Exif\0\0';
const XMP_MARK = 'http://ns.adobe.com/xap/1.0/\0';
const PNG_XMP_MARK = 'XML:com.adobe.xmp\0';
const XMP_ORIENTATION = /tiff:Orientation(?:="|>)([1-8])/;
const ORIENTATION_TAG = 0x0112;
const SHORT = 3;
const LONG = 4;

/** The orientation of a picture that is stored as it is to be seen. */
export const UPRIGHT = 1;

/** What a file says of itself beside its pixels. */
interface Metadata {
  /** The TIFF structure of the EXIF data. */
  exif?: Uint8Array;
  xmp?: Uint8Array;
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder('latin1').decode(bytes);
}

/** The bytes after `mark`; undefined when they begin otherwise. */
function after(mark: string, bytes: Uint8Array): Uint8Array | undefined {
  return textOf(bytes.subarray(0, mark.length)) === mark ? bytes.subarray(mark.length) : undefined;
}

function jpegMetadata(bytes: Uint8Array): Metadata {
  const found: Metadata = {};
  for (const { marker, start, end } of jpegSegments(bytes)) {
    if (marker !== APP1) continue;
    const content = bytes.subarray(start + 4, end);
    found.exif ??= after(EXIF_MARK, content);
    found.xmp ??= after(XMP_MARK, content);
  }
  return found;
}

function pngMetadata(bytes: Uint8Array): Metadata {
  const found: Metadata = {};
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = PNG_SIGNATURE.length; at + 12 <= bytes.length; at += 12 + view.getUint32(at)) {
    const content = bytes.subarray(at + 8, at + 8 + view.getUint32(at));
    const type = textOf(bytes.subarray(at + 4, at + 8));
    if (type === 'eXIf') found.exif ??= after(EXIF_MARK, content) ?? content;
    if (type === 'iTXt') found.xmp ??= after(PNG_XMP_MARK, content);
  }
  return found;
}

/** The orientation in the first directory of a TIFF structure; undefined without one, or where it is damaged. */
function tiffOrientation(block: Uint8Array): number | undefined {
  const mark = textOf(block.subarray(0, 4));
  if (block.length < 14 || (mark !== 'II*\0' && mark !== 'MM\0*')) return undefined;
  const little = mark.startsWith('I');
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  const directory = view.getUint32(4, little);
  if (directory + 2 > block.length) return undefined;
  const entries = view.getUint16(directory, little);
  for (let i = 0; i < entries; i++) {
    const at = directory + 2 + 12 * i;
    if (at + 12 > block.length) return undefined;
    if (view.getUint16(at, little) !== ORIENTATION_TAG) continue;
    const type = view.getUint16(at + 2, little);
    if (type === SHORT) return view.getUint16(at + 8, little);
    return type === LONG ? view.getUint32(at + 8, little) : undefined;
  }
  return undefined;
}

/**
 * Orientation 1 to 8 of a PNG or JPEG file, found where Pillow's ImageOps.exif_transpose finds it: in EXIF, else in XMP.
 * 1 (upright) when there is none or it is damaged, as metadata is no reason to refuse a picture. Not read: EXIF as
 * hexadecimal text and compressed XMP, which only old tools write into PNG.
 * @param bytes the whole file @throws image.truncated, image.corrupt for a JPEG whose header is damaged
 */
export function exifOrientation(bytes: Uint8Array): number {
  const { exif, xmp } = sniffImageFormat(bytes) === 'png' ? pngMetadata(bytes) : jpegMetadata(bytes);
  const value = (exif && tiffOrientation(exif)) ?? (xmp && Number(XMP_ORIENTATION.exec(textOf(xmp))?.[1]));
  return value !== undefined && value >= 1 && value <= 8 ? value : UPRIGHT;
}

/** Whether turning a picture of this orientation upright swaps its width and height. */
export function swapsSides(orientation: number): boolean {
  return orientation >= 5;
}

/**
 * Turns a stored picture upright.
 * @param orientation 1 to 8 as in EXIF: 2, 4, 5, 7 mirror; 5 to 8 swap width and height
 */
export function applyOrientation(image: RgbImage, orientation: number): RgbImage {
  if (orientation === UPRIGHT) return image;
  const { width, height, data, alpha } = image;
  const swaps = swapsSides(orientation);
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
