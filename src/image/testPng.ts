// Writes PNG files for tests, from samples, by the specification. Never part of the app.

import { crc32 } from '../base/bytes';

export interface TestPng {
  width: number;
  height: number;
  /** Bits per sample and colour type number, as in IHDR. */
  depth: number;
  colourType: 0 | 2 | 3 | 4 | 6;
  /** (H, W, samples per pixel), each 0 to 2^depth - 1. */
  samples: number[];
  interlaced?: boolean;
  /** Filter of line n of each pass; default n % 5. */
  filter?: (line: number) => number;
  palette?: number[];
  transparency?: number[];
}

const SAMPLES = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 } as const;
/** Columns and rows of a pass: start and step of each. */
type Pass = readonly [number, number, number, number];
const WHOLE: Pass = [0, 1, 0, 1];
/** Adam7's passes. */
const PASSES: Pass[] = [
  [0, 8, 0, 8],
  [4, 8, 0, 8],
  [0, 4, 4, 8],
  [2, 4, 0, 4],
  [0, 2, 2, 4],
  [1, 2, 0, 2],
  [0, 1, 1, 2],
];

function uint32(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

/** One chunk: length, type, contents, checksum. */
export function chunk(type: string, content: ArrayLike<number>): Uint8Array<ArrayBuffer> {
  const body = [...type].map((letter) => letter.charCodeAt(0));
  const bytes = new Uint8Array(12 + content.length);
  bytes.set(uint32(content.length), 0);
  bytes.set(body, 4);
  bytes.set(content, 8);
  bytes.set(uint32(crc32(bytes.subarray(4, 8 + content.length))), 8 + content.length);
  return bytes;
}

/** zlib data by the platform. */
export async function deflate(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream('deflate'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Joins a signature and chunks to a file. */
export function pngFile(...chunks: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = [137, 80, 78, 71, 13, 10, 26, 10, ...chunks.flatMap((part) => [...part])];
  return new Uint8Array(all);
}

export function header(png: Omit<TestPng, 'samples'>): Uint8Array<ArrayBuffer> {
  const { width, height, depth, colourType, interlaced } = png;
  return chunk('IHDR', [...uint32(width), ...uint32(height), depth, colourType, 0, 0, interlaced ? 1 : 0]);
}

/** Samples to bytes, most significant bit first, the last byte filled up with zeros. */
function pack(samples: number[], depth: number): number[] {
  const bits = samples.map((sample) => sample.toString(2).padStart(depth, '0')).join('');
  return (bits.match(/.{1,8}/g) ?? []).map((byte) => parseInt(byte.padEnd(8, '0'), 2));
}

function predict(filter: number, left: number, up: number, corner: number): number {
  if (filter < 4) return [0, left, up, Math.floor((left + up) / 2)][filter]!;
  const estimate = left + up - corner;
  const byDistance = [left, up, corner].map((value) => Math.abs(estimate - value));
  return [left, up, corner][byDistance.indexOf(Math.min(...byDistance))]!;
}

/** Filtered lines of one pass. */
function passBytes(png: TestPng, [x0, dx, y0, dy]: Pass): number[] {
  const perPixel = SAMPLES[png.colourType];
  const step = Math.max(1, (perPixel * png.depth) / 8);
  const out: number[] = [];
  let above: number[] = [];
  for (let y = y0, line = 0; y < png.height; y += dy, line++) {
    const samples: number[] = [];
    for (let x = x0; x < png.width; x += dx) {
      samples.push(...png.samples.slice((y * png.width + x) * perPixel, (y * png.width + x + 1) * perPixel));
    }
    if (samples.length === 0) return [];
    const bytes = pack(samples, png.depth);
    const filter = png.filter ? png.filter(line) : line % 5;
    out.push(filter);
    bytes.forEach((byte, i) => {
      const predicted = predict(filter, bytes[i - step] ?? 0, above[i] ?? 0, above[i - step] ?? 0);
      out.push((byte - predicted) & 255);
    });
    above = bytes;
  }
  return out;
}

/** A whole PNG file of the given samples. */
export async function writePng(png: TestPng): Promise<Uint8Array<ArrayBuffer>> {
  const raw = (png.interlaced ? PASSES : [WHOLE]).flatMap((pass) => passBytes(png, pass));
  const data = await deflate(new Uint8Array(raw));
  const half = Math.ceil(data.length / 2);
  return pngFile(
    header(png),
    ...(png.palette ? [chunk('PLTE', png.palette)] : []),
    ...(png.transparency ? [chunk('tRNS', png.transparency)] : []),
    chunk('tEXt', [65, 0, 66]),
    chunk('IDAT', data.subarray(0, half)),
    chunk('IDAT', data.subarray(half)),
    chunk('IEND', []),
  );
}

/** Repeatable samples below 2^depth. */
export function testSamples(count: number, depth: number): number[] {
  let state = 12345;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % 2 ** depth;
  });
}
