// The marker segments of a JPEG file, up to the picture data. Must not decode.

import { check, LorikeetError } from '../base/errors';

export interface JpegSegment {
  /** Second byte of the marker, e.g. 0xe1 for APP1. */
  marker: number;
  /** Bytes [start, end) of the file, the marker included. */
  start: number;
  end: number;
}

export interface JpegHeader {
  width: number;
  height: number;
  /** 1 gray, 3 colour. */
  components: number;
}

const START_OF_SCAN = 0xda;
const RESAVE = 'Export the picture again as an ordinary JPEG or PNG.';

/** Start-of-frame markers; c4, c8 and cc in the same range mean other things. */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

function truncated(at: number): LorikeetError {
  return new LorikeetError('image.truncated', `JPEG ends inside its header, at byte ${at}`, 'Copy the file again.');
}

/**
 * Lists the segments after the start-of-image marker, up to and including the first start of scan.
 * @param only stop after the first segment for which this is true
 * @throws image.truncated, image.corrupt naming the byte
 */
export function jpegSegments(bytes: Uint8Array, only?: (marker: number) => boolean): JpegSegment[] {
  const segments: JpegSegment[] = [];
  let at = 2;
  for (;;) {
    if (at + 4 > bytes.length) throw truncated(bytes.length);
    check(bytes[at] === 0xff, 'image.corrupt', `JPEG has no marker at byte ${at}, where one must be`, RESAVE);
    const marker = bytes[at + 1]!;
    if (marker === 0xff) {
      at += 1; // Fill bytes may stand before a marker.
      continue;
    }
    const length = (bytes[at + 2]! << 8) | bytes[at + 3]!;
    check(length >= 2, 'image.corrupt', `JPEG segment at byte ${at} has length ${length}, expected at least 2`, RESAVE);
    const end = at + 2 + length;
    if (end > bytes.length) throw truncated(bytes.length);
    segments.push({ marker, start: at, end });
    if (marker === START_OF_SCAN || only?.(marker)) return segments;
    at = end;
  }
}

/**
 * Reads the frame header.
 * @throws image.truncated, image.corrupt, image.unsupported (CMYK, 12 bits, lossless and arithmetic coding)
 */
export function readJpegHeader(bytes: Uint8Array): JpegHeader {
  const frame = jpegSegments(bytes, isFrame).at(-1);
  check(frame && isFrame(frame.marker), 'image.corrupt', 'JPEG has picture data but no frame header', RESAVE);
  check(
    frame.end - frame.start >= 10,
    'image.corrupt',
    `JPEG frame header at byte ${frame.start} is too short`,
    RESAVE,
  );
  const at = frame.start + 4;
  const [precision, components] = [bytes[at], bytes[at + 5]];
  const height = (bytes[at + 1]! << 8) | bytes[at + 2]!;
  const width = (bytes[at + 3]! << 8) | bytes[at + 4]!;
  const coding = frame.marker <= 0xc2 ? '' : ` with coding type ${frame.marker - 0xc0}`;
  const usual = precision === 8 && (components === 1 || components === 3) && coding === '';
  const kind = components === 4 ? 'CMYK JPEG' : `JPEG of ${precision} bits and ${components} components${coding}`;
  check(usual, 'image.unsupported', `${kind}: expected 8-bit gray or RGB`, RESAVE);
  check(width > 0 && height > 0, 'image.corrupt', `JPEG header says ${width} x ${height} pixels`, RESAVE);
  return { width, height, components };
}
