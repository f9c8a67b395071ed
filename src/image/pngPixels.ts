// Samples of one PNG line -> RGB and alpha bytes, by colour type and depth. Must not know filters or passes.

import { check } from '../base/errors';
import type { PngFile } from './pngChunks';
import type { RgbImage } from './rgbImage';

/** Sample `i` of a line, as stored: 0 to 2^depth - 1. */
function sampleAt(line: Uint8Array, i: number, depth: number): number {
  if (depth === 8) return line[i]!;
  if (depth === 16) return (line[2 * i]! << 8) | line[2 * i + 1]!;
  const bit = i * depth;
  return (line[bit >> 3]! >> (8 - depth - (bit & 7))) & ((1 << depth) - 1);
}

/** A stored sample to 8 bits: small depths spread over 0 to 255, of 16 bits the high byte. */
function toByte(sample: number, depth: number): number {
  return depth === 16 ? sample >> 8 : sample * (255 / ((1 << depth) - 1));
}

/** The gray level or colour that tRNS makes transparent, as `count` samples of the file's depth; none: undefined. */
function transparentColour(transparency: Uint8Array | undefined, count: number): number[] | undefined {
  if (!transparency || transparency.length < 2 * count) return undefined;
  return Array.from({ length: count }, (_, i) => (transparency[2 * i]! << 8) | transparency[2 * i + 1]!);
}

/**
 * Writes one line of a pass. A transparent colour (tRNS) is compared with samples as stored, at the file's depth, as
 * the PNG specification says; Pillow compares them after it has changed the depth, and misses the colour at 2, 4 and
 * 16 bits.
 * @param line unfiltered bytes @param count pixels in it
 * @param to index of the first pixel in `image` @param step distance between the pixels there
 * @throws image.corrupt for a palette index without a colour
 */
export function writeRow(
  file: PngFile,
  line: Uint8Array,
  count: number,
  image: RgbImage,
  to: number,
  step: number,
): void {
  switch (file.header.colour) {
    case 'palette':
      return writePalette(file, line, count, image, to, step);
    case 'gray':
    case 'grayAlpha':
      return writeGray(file, line, count, image, to, step);
    case 'rgb':
    case 'rgbAlpha':
      return writeColour(file, line, count, image, to, step);
    default:
      file.header.colour satisfies never;
  }
}

function writePalette(file: PngFile, line: Uint8Array, count: number, image: RgbImage, to: number, step: number): void {
  const { depth } = file.header;
  const { palette, transparency } = file;
  check(palette, 'image.corrupt', 'PNG has palette colours but no palette (PLTE)', 'Save the picture again.');
  for (let i = 0, pixel = to; i < count; i++, pixel += step) {
    const index = sampleAt(line, i, depth);
    if (3 * index >= palette.length) {
      const where = `PNG pixel at column ${pixel % image.width}, row ${Math.floor(pixel / image.width)}`;
      const message = `${where}: colour ${index} of a palette of ${palette.length / 3}`;
      check(false, 'image.corrupt', message, 'Open and save the picture with a picture program.');
    }
    image.data[3 * pixel] = palette[3 * index]!;
    image.data[3 * pixel + 1] = palette[3 * index + 1]!;
    image.data[3 * pixel + 2] = palette[3 * index + 2]!;
    if (image.alpha) image.alpha[pixel] = transparency?.[index] ?? 255;
  }
}

function writeGray(file: PngFile, line: Uint8Array, count: number, image: RgbImage, to: number, step: number): void {
  const { depth, colour } = file.header;
  const samples = colour === 'grayAlpha' ? 2 : 1;
  const transparent = samples === 1 ? transparentColour(file.transparency, 1)?.[0] : undefined;
  for (let i = 0, pixel = to; i < count; i++, pixel += step) {
    const sample = sampleAt(line, i * samples, depth);
    image.data.fill(toByte(sample, depth), 3 * pixel, 3 * pixel + 3);
    if (!image.alpha) continue;
    const opaque = sample === transparent ? 0 : 255;
    image.alpha[pixel] = samples === 2 ? toByte(sampleAt(line, i * 2 + 1, depth), depth) : opaque;
  }
}

/** Depth is 8 or 16 here, so the byte to keep is the first of each sample. */
function writeColour(file: PngFile, line: Uint8Array, count: number, image: RgbImage, to: number, step: number): void {
  const { depth, colour } = file.header;
  const width = depth / 8;
  const samples = colour === 'rgbAlpha' ? 4 : 3;
  const transparent = samples === 3 ? transparentColour(file.transparency, 3) : undefined;
  const { data, alpha } = image;
  for (let i = 0, pixel = to; i < count; i++, pixel += step) {
    const from = i * samples * width;
    data[3 * pixel] = line[from]!;
    data[3 * pixel + 1] = line[from + width]!;
    data[3 * pixel + 2] = line[from + 2 * width]!;
    if (!alpha) continue;
    const hidden = transparent?.every((value, c) => sampleAt(line, i * samples + c, depth) === value) ?? false;
    alpha[pixel] = samples === 4 ? line[from + 3 * width]! : hidden ? 0 : 255;
  }
}
