// The chunk structure of a PNG file: header, palette, transparency and where the compressed data lies.
// Must not inflate. Only chunks that change pixels are read, as Pillow does: no gamma, no colour profile.

import { crc32 } from '../base/bytes';
import { check, LorikeetError } from '../base/errors';

export const PNG_SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a] as const;

export type PngColour = 'gray' | 'rgb' | 'palette' | 'grayAlpha' | 'rgbAlpha';

export interface PngHeader {
  width: number;
  height: number;
  /** Bits per sample: 1, 2, 4, 8 or 16. */
  depth: number;
  colour: PngColour;
  interlaced: boolean;
}

export interface PngFile {
  header: PngHeader;
  /** RGB triples. */
  palette?: Uint8Array;
  /** Contents of tRNS. */
  transparency?: Uint8Array;
  /** Views of the IDAT contents, in order. */
  data: Uint8Array[];
}

/** Colour type number -> its meaning and allowed depths (PNG specification, table 11.1). */
const COLOUR_TYPES: Record<number, { colour: PngColour; depths: number[] } | undefined> = {
  0: { colour: 'gray', depths: [1, 2, 4, 8, 16] },
  2: { colour: 'rgb', depths: [8, 16] },
  3: { colour: 'palette', depths: [1, 2, 4, 8] },
  4: { colour: 'grayAlpha', depths: [8, 16] },
  6: { colour: 'rgbAlpha', depths: [8, 16] },
};

const HEADER_LENGTH = 13;
const READ_CHUNKS = new Set(['IHDR', 'PLTE', 'tRNS', 'IDAT', 'IEND']);
const COPY_AGAIN = 'Copy the file again, or open and save it with a picture program.';

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Reads IHDR, which is always first. Its 33 bytes, signature included, are enough.
 * @throws image.truncated, image.corrupt, image.unsupported
 */
export function readPngHeader(bytes: Uint8Array): PngHeader {
  const start = PNG_SIGNATURE.length;
  const enough = bytes.length >= start + 8 + HEADER_LENGTH;
  check(enough, 'image.truncated', `PNG ends inside its header, at byte ${bytes.length}`, COPY_AGAIN);
  const view = viewOf(bytes);
  const type = chunkType(bytes, start);
  const proper = type === 'IHDR' && view.getUint32(start) === HEADER_LENGTH;
  check(proper, 'image.corrupt', `PNG must begin with IHDR, found ${type} at byte ${start}`, COPY_AGAIN);
  const at = start + 8;
  const [width, height] = [view.getUint32(at), view.getUint32(at + 4)];
  const [depth, type2] = [view.getUint8(at + 8), view.getUint8(at + 9)];
  const [compression, filter, interlace] = bytes.subarray(at + 10, at + 13);
  check(width > 0 && height > 0, 'image.corrupt', `PNG header says ${width} x ${height} pixels`, COPY_AGAIN);
  const meaning = COLOUR_TYPES[type2];
  check(
    meaning &&
      meaning.depths.includes(depth) &&
      compression === 0 &&
      filter === 0 &&
      (interlace === 0 || interlace === 1),
    'image.corrupt',
    `PNG header has colour type ${type2}, ${depth} bits, compression ${compression}, filter ${filter}, interlace ` +
      `${interlace}, which is not a combination that PNG allows`,
    COPY_AGAIN,
  );
  return { width, height, depth, colour: meaning.colour, interlaced: interlace === 1 };
}

/** The four letters at byte `start + 4`. */
function chunkType(bytes: Uint8Array, start: number): string {
  return String.fromCharCode(...bytes.subarray(start + 4, start + 8));
}

/**
 * Walks all chunks and checks the checksum of those that change pixels. What follows IEND is ignored.
 * @throws image.truncated, image.corrupt, image.unsupported, naming chunk and byte
 */
export function readPngFile(bytes: Uint8Array): PngFile {
  const file: PngFile = { header: readPngHeader(bytes), data: [] };
  const view = viewOf(bytes);
  let at: number = PNG_SIGNATURE.length;
  for (;;) {
    const room = at + 12 <= bytes.length;
    check(room, 'image.truncated', `PNG ends at byte ${bytes.length} without its last chunk (IEND)`, COPY_AGAIN);
    const length = view.getUint32(at);
    const type = chunkType(bytes, at);
    const where = `chunk ${JSON.stringify(type)} at byte ${at}`;
    if (at + 12 + length > bytes.length) {
      const message = `PNG ends at byte ${bytes.length} inside ${where}, which says it has ${length} bytes`;
      throw new LorikeetError('image.truncated', message, COPY_AGAIN);
    }
    if (READ_CHUNKS.has(type)) {
      const sum = crc32(bytes.subarray(at + 4, at + 8 + length));
      check(sum === view.getUint32(at + 8 + length), 'image.corrupt', `PNG ${where}: checksum differs`, COPY_AGAIN);
    }
    if (type === 'IEND') break;
    takeChunk(file, type, bytes.subarray(at + 8, at + 8 + length), where);
    at += 12 + length;
  }
  check(file.data.length > 0, 'image.corrupt', 'PNG has no picture data (IDAT)', COPY_AGAIN);
  return file;
}

/** Puts a chunk's contents in its place; unknown ones are skipped unless marked critical by an upper-case letter. */
function takeChunk(file: PngFile, type: string, content: Uint8Array, where: string): void {
  if (type === 'IDAT') file.data.push(content);
  else if (type === 'tRNS') file.transparency = content;
  else if (type === 'PLTE') {
    const valid = content.length % 3 === 0 && content.length > 0 && content.length <= 768;
    check(valid, 'image.corrupt', `PNG ${where}: ${content.length} bytes are no palette`, COPY_AGAIN);
    file.palette = content;
  } else {
    const skippable = type === 'IHDR' || /^[a-z]/.test(type);
    const message = `PNG ${where}: needed for decoding but not part of the PNG standard`;
    check(skippable, 'image.unsupported', message, 'Open and save the picture with a picture program.');
  }
}
