import { describe, expect, it } from 'vitest';
import { decodeImage } from './decode';
import { imageSize } from './header';
import { header, pngFile, testSamples, writePng } from './testPng';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const latin = (value: string): Uint8Array => Uint8Array.from(value, (letter) => letter.charCodeAt(0));

/** Start of a JPEG: an APP0 segment, then a frame header. */
function jpegStart(frame: {
  marker?: number;
  precision?: number;
  height?: number;
  width?: number;
  components?: number;
}) {
  const { marker = 0xc0, precision = 8, height = 5, width = 7, components = 3 } = frame;
  const length = 8 + 3 * components;
  const sizes = [height >> 8, height & 255, width >> 8, width & 255];
  const body = [0, length, precision, ...sizes, components, ...Array<number>(3 * components).fill(1)];
  return Uint8Array.from([0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, marker, ...body]);
}

const SCAN = [0xff, 0xda, 0, 3, 1, 9, 9, 9];

describe('imageSize', () => {
  it('reads a PNG from its first 33 bytes', async () => {
    const bytes = await writePng({ width: 3, height: 2, depth: 8, colourType: 2, samples: testSamples(18, 8) });
    expect(imageSize(bytes.subarray(0, 33))).toEqual({ width: 3, height: 2, format: 'png' });
  });

  it('reads a JPEG up to its frame header, baseline or progressive', () => {
    expect(imageSize(jpegStart({}))).toEqual({ width: 7, height: 5, format: 'jpeg' });
    expect(imageSize(jpegStart({ marker: 0xc2, components: 1 }))).toEqual({ width: 7, height: 5, format: 'jpeg' });
  });

  it('refuses pictures above 40 megapixels or 16,384 pixels a side before decoding', () => {
    const of = (width: number, height: number): Uint8Array =>
      pngFile(header({ width, height, depth: 8, colourType: 2 }));
    expect(imageSize(of(16384, 2441)).width).toBe(16384);
    for (const [width, height] of [
      [16385, 1],
      [1, 16385],
      [6400, 6251],
      [2 ** 31, 2 ** 31],
    ] as const) {
      expect(() => imageSize(of(width, height))).toThrow(expect.objectContaining({ code: 'image.tooLarge' }));
    }
  });

  it('names other formats and asks for PNG or JPEG', () => {
    const found: [Uint8Array, string][] = [
      [text('<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"></svg>'), 'SVG'],
      [text('GIF89a...'), 'GIF'],
      [text('RIFF1234WEBPVP8 '), 'WebP'],
      [latin('II*\0....'), 'TIFF'],
      [latin('\0\0\0\x20ftypavif'), 'AVIF'],
      [latin('\0\0\0\x18ftypheic'), 'HEIC'],
      [text('<!DOCTYPE html><title>404</title>'), 'web page'],
      [text('version https://git-lfs.github.com/spec/v1'), 'Git LFS'],
      [text('hello'), 'starts with 68 65 6c 6c 6f'],
    ];
    for (const [bytes, name] of found) {
      const error = { code: 'image.format', message: expect.stringContaining(name) as string };
      expect(() => imageSize(bytes)).toThrow(expect.objectContaining(error));
    }
    expect(() => imageSize(new Uint8Array())).toThrow(expect.objectContaining({ code: 'image.empty' }));
  });

  it('refuses JPEG kinds that would not decode to the same RGB everywhere', () => {
    const unsupported = expect.objectContaining({ code: 'image.unsupported' }) as Error;
    expect(() => imageSize(jpegStart({ components: 4 }))).toThrow(unsupported);
    expect(() => imageSize(jpegStart({ precision: 12 }))).toThrow(unsupported);
    expect(() => imageSize(jpegStart({ marker: 0xc3 }))).toThrow(unsupported);
  });

  it('refuses damaged headers', () => {
    const code = (name: string): Error => expect.objectContaining({ code: name }) as Error;
    expect(() => imageSize(jpegStart({ width: 0 }))).toThrow(code('image.corrupt'));
    expect(() => imageSize(jpegStart({}).subarray(0, 14))).toThrow(code('image.truncated'));
    expect(() => imageSize(Uint8Array.from([0xff, 0xd8, 0xff, 0xe0, 0, 2, 0, 0, 0, 0]))).toThrow(code('image.corrupt'));
    expect(() => imageSize(Uint8Array.from([0xff, 0xd8, ...SCAN]))).toThrow(code('image.corrupt'));
    const wrongDepth = pngFile(header({ width: 1, height: 1, depth: 3, colourType: 2 }));
    expect(() => imageSize(wrongDepth)).toThrow(code('image.corrupt'));
  });
});

describe('decodeImage on JPEG', () => {
  it('refuses a file without an end marker', async () => {
    const cut = Uint8Array.from([...jpegStart({}), ...SCAN]);
    await expect(decodeImage(cut)).rejects.toMatchObject({ code: 'image.truncated' });
  });
});
