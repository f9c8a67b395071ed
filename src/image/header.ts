// What a file really is and how large its picture is, from its first bytes. Must not decode: it guards the decoders.

import { check, LorikeetError } from '../base/errors';
import { readJpegHeader } from './jpegHeader';
import { PNG_SIGNATURE, readPngHeader } from './pngChunks';

export interface ImageSize {
  /** Pixels as stored, before any EXIF rotation. */
  width: number;
  height: number;
  format: 'png' | 'jpeg';
}

/** A 16k x 16k picture of 32 KB takes over 1 GB to decode, so sizes are refused before decoding. */
export const MAX_SIDE = 16384;
export const MAX_PIXELS = 40_000_000;

const CONVERT = 'Convert it to PNG or JPEG; renaming is not enough.';
const SNIFF_BYTES = 256;

/** Formats that are recognised only to name them: their first bytes, at an offset. */
const OTHER_FORMATS: { name: string; at: number; magic: string }[] = [
  { name: 'GIF', at: 0, magic: 'GIF8' },
  { name: 'WebP', at: 8, magic: 'WEBP' },
  { name: 'BMP', at: 0, magic: 'BM' },
  { name: 'TIFF', at: 0, magic: 'II*\0' },
  { name: 'TIFF', at: 0, magic: 'MM\0*' },
  { name: 'AVIF', at: 4, magic: 'ftypavif' },
  { name: 'HEIC', at: 4, magic: 'ftyphei' },
  { name: 'HEIC', at: 4, magic: 'ftypmif1' },
  { name: 'JPEG 2000', at: 4, magic: 'jP  ' },
  { name: 'JPEG XL', at: 4, magic: 'JXL ' },
  { name: 'PDF', at: 0, magic: '%PDF' },
  { name: 'ZIP', at: 0, magic: 'PK\u0003\u0004' },
];

function startsWith(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((value, i) => bytes[i] === value);
}

/** Name of what the bytes look like, for the message. */
function describe(bytes: Uint8Array): string {
  const start = String.fromCharCode(...bytes.subarray(0, SNIFF_BYTES));
  const known = OTHER_FORMATS.find(({ at, magic }) => start.startsWith(magic, at));
  if (known) return known.name;
  if (/<svg[\s>]/i.test(start)) return 'SVG';
  if (/^\s*<(!doctype|html)/i.test(start)) return 'a web page';
  if (start.startsWith('version https://git-lfs')) return 'a Git LFS pointer';
  const hex = [...bytes.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  return `unknown (it starts with ${hex})`;
}

/**
 * The real format, by the file's first bytes; names and extensions are not looked at.
 * @throws image.empty, or image.format naming what was found
 */
export function sniffImageFormat(bytes: Uint8Array): ImageSize['format'] {
  check(bytes.length > 0, 'image.empty', 'the picture file is empty (0 bytes)', 'Copy the file again.');
  if (startsWith(bytes, PNG_SIGNATURE)) return 'png';
  if (startsWith(bytes, [0xff, 0xd8, 0xff])) return 'jpeg';
  throw new LorikeetError('image.format', `expected a PNG or JPEG picture, found ${describe(bytes)}`, CONVERT);
}

/**
 * Size and format from the header alone, with the caps applied.
 * @param bytes the file, or so much of its start as holds the header
 * @throws image.empty, image.format, image.truncated, image.corrupt, image.unsupported, image.tooLarge
 */
export function imageSize(bytes: Uint8Array): ImageSize {
  const format = sniffImageFormat(bytes);
  const { width, height } = format === 'png' ? readPngHeader(bytes) : readJpegHeader(bytes);
  const small = width <= MAX_SIDE && height <= MAX_SIDE && width * height <= MAX_PIXELS;
  check(
    small,
    'image.tooLarge',
    `picture of ${width} x ${height} (${(width * height) / 1e6} megapixels): at most ${MAX_SIDE} pixels a side and ` +
      `${MAX_PIXELS / 1e6} megapixels are accepted`,
    'Make the picture smaller; the model sees it resized anyway.',
  );
  return { width, height, format };
}
