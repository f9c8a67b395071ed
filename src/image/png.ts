// PNG bytes -> exact RGB: every colour type and depth, interlaced or not. No canvas, because it premultiplies alpha and
// manages colour. Inflation is the platform's and stops at the size that the header promises, so a bomb cannot grow.

import { check, LorikeetError } from '../base/errors';
import { readPngFile } from './pngChunks';
import type { PngFile, PngHeader } from './pngChunks';
import { writeRow } from './pngPixels';
import type { RgbImage } from './rgbImage';

const SAVE_AGAIN = 'Copy the file again, or open and save it with a picture program.';

/** One sub-picture of the data: pixel (i, j) of it is pixel (x + i * xStep, y + j * yStep) of the picture. */
interface Pass {
  x: number;
  y: number;
  xStep: number;
  yStep: number;
}

const WHOLE: Pass[] = [{ x: 0, y: 0, xStep: 1, yStep: 1 }];

const ADAM7: Pass[] = [
  { x: 0, y: 0, xStep: 8, yStep: 8 },
  { x: 4, y: 0, xStep: 8, yStep: 8 },
  { x: 0, y: 4, xStep: 4, yStep: 8 },
  { x: 2, y: 0, xStep: 4, yStep: 4 },
  { x: 0, y: 2, xStep: 2, yStep: 4 },
  { x: 1, y: 0, xStep: 2, yStep: 2 },
  { x: 0, y: 1, xStep: 1, yStep: 2 },
];

const SAMPLES = { gray: 1, rgb: 3, palette: 1, grayAlpha: 2, rgbAlpha: 4 } as const;

/** A pass with its own size in pixels; `lineBytes` is without the filter byte. */
interface SizedPass extends Pass {
  columns: number;
  rows: number;
  lineBytes: number;
}

/** The passes that have pixels. */
function passesOf(header: PngHeader): SizedPass[] {
  const bits = header.depth * SAMPLES[header.colour];
  return (header.interlaced ? ADAM7 : WHOLE)
    .map((pass) => {
      const columns = Math.ceil((header.width - pass.x) / pass.xStep);
      const rows = Math.ceil((header.height - pass.y) / pass.yStep);
      return { ...pass, columns, rows, lineBytes: Math.ceil((columns * bits) / 8) };
    })
    .filter(({ columns, rows }) => columns > 0 && rows > 0);
}

/** Feeds the compressed parts to the platform's zlib decoder, one at a time. */
function compressedStream(parts: Uint8Array[]): ReadableStream<Uint8Array<ArrayBuffer>> {
  let next = 0;
  return new ReadableStream({
    pull(controller): void {
      if (next < parts.length) controller.enqueue(parts[next++] as Uint8Array<ArrayBuffer>);
      else controller.close();
    },
  });
}

/**
 * Inflates to exactly `size` bytes; more is not read.
 * @throws image.corrupt when the data is not zlib or ends early
 */
async function inflate(parts: Uint8Array[], size: number): Promise<Uint8Array> {
  const out = new Uint8Array(size);
  const reader = compressedStream(parts).pipeThrough(new DecompressionStream('deflate')).getReader();
  let at = 0;
  let reason = 'the data ends';
  try {
    while (at < size) {
      const { value, done } = await reader.read();
      if (done) break;
      const part = value.subarray(0, size - at);
      out.set(part, at);
      at += part.length;
    }
  } catch (error) {
    reason = String(error);
  }
  // The outcome is decided; a late complaint about bytes after the picture does not matter.
  await reader.cancel().catch(() => undefined);
  const message = `PNG picture data gives ${at} bytes of the ${size} that the header promises: ${reason}`;
  check(at === size, 'image.corrupt', message, SAVE_AGAIN);
  return out;
}

/** The neighbour (left, above, above left) nearest to left + above - aboveLeft; ties in that order. */
function paeth(left: number, above: number, aboveLeft: number): number {
  const toLeft = Math.abs(above - aboveLeft);
  const toAbove = Math.abs(left - aboveLeft);
  const toAboveLeft = Math.abs(left + above - 2 * aboveLeft);
  if (toLeft <= toAbove && toLeft <= toAboveLeft) return left;
  return toAbove <= toAboveLeft ? above : aboveLeft;
}

/**
 * Undoes one line's filter in place (PNG specification, 9.2).
 * @param line bytes of the line @param above the finished line above, zeros for the first @param step bytes per pixel
 * @returns false for a filter that does not exist
 */
function unfilter(filter: number, line: Uint8Array, above: Uint8Array, step: number): boolean {
  const n = line.length;
  switch (filter) {
    case 0:
      return true;
    case 1:
      for (let i = step; i < n; i++) line[i]! += line[i - step]!;
      return true;
    case 2:
      for (let i = 0; i < n; i++) line[i]! += above[i]!;
      return true;
    case 3:
      for (let i = 0; i < n; i++) line[i]! += ((i < step ? 0 : line[i - step]!) + above[i]!) >> 1;
      return true;
    case 4:
      for (let i = 0; i < Math.min(step, n); i++) line[i]! += above[i]!;
      for (let i = step; i < n; i++) line[i]! += paeth(line[i - step]!, above[i]!, above[i - step]!);
      return true;
    default:
      return false;
  }
}

function hasAlpha({ header, transparency }: PngFile): boolean {
  return header.colour === 'grayAlpha' || header.colour === 'rgbAlpha' || transparency !== undefined;
}

/**
 * Decodes a PNG exactly; of 16-bit samples the high byte is kept, as Pillow does for RGB.
 * @param bytes a file whose size was accepted (header.ts) @returns (H, W, 3), and alpha where the file has it
 * @throws image.truncated, image.corrupt, image.unsupported
 */
export async function decodePng(bytes: Uint8Array): Promise<RgbImage> {
  const file = readPngFile(bytes);
  const { header } = file;
  const { width, height } = header;
  const passes = passesOf(header);
  const raw = await inflate(
    file.data,
    passes.reduce((sum, pass) => sum + pass.rows * (1 + pass.lineBytes), 0),
  );
  const image: RgbImage = { width, height, data: new Uint8Array(width * height * 3) };
  if (hasAlpha(file)) image.alpha = new Uint8Array(width * height);
  const step = Math.max(1, (header.depth * SAMPLES[header.colour]) / 8);
  let at = 0;
  for (const pass of passes) {
    let above: Uint8Array = new Uint8Array(pass.lineBytes);
    for (let row = 0; row < pass.rows; row++) {
      const line = raw.subarray(at + 1, at + 1 + pass.lineBytes);
      if (!unfilter(raw[at]!, line, above, step)) {
        throw new LorikeetError('image.corrupt', `PNG line ${row} has filter ${raw[at]}, expected 0 to 4`, SAVE_AGAIN);
      }
      const first = (pass.y + row * pass.yStep) * width + pass.x;
      writeRow(file, line, pass.columns, image, first, pass.xStep);
      above = line;
      at += 1 + pass.lineBytes;
    }
  }
  return image;
}
