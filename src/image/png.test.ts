import { afterEach, describe, expect, it, vi } from 'vitest';
import { decodeImage } from './decode';
import { chunk, deflate, header, pngFile, testSamples, writePng } from './testPng';
import type { TestPng } from './testPng';

const SAMPLES = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 } as const;
const ALLOWED: [TestPng['colourType'], number[]][] = [
  [0, [1, 2, 4, 8, 16]],
  [2, [8, 16]],
  [3, [1, 2, 4, 8]],
  [4, [8, 16]],
  [6, [8, 16]],
];
const SIZES: [number, number][] = [
  [1, 1],
  [5, 3],
  [13, 19],
];
const WEIGHT = { 1: 255, 2: 85, 4: 17, 8: 1 } as Record<number, number>;

/** 256 colours, so that every index has one. */
const PALETTE = testSamples(768, 8);

/** What a PNG's samples mean, written down once more from the specification. */
function expectedPixels(png: TestPng): { data: number[]; alpha?: number[] } {
  const per = SAMPLES[png.colourType];
  const byte = (sample: number): number => (png.depth === 16 ? Math.floor(sample / 256) : sample * WEIGHT[png.depth]!);
  const pixels = Array.from({ length: png.width * png.height }, (_, i) => png.samples.slice(i * per, (i + 1) * per));
  const rgb = (pixel: number[]): number[] => {
    if (png.colourType === 3) return PALETTE.slice(3 * pixel[0]!, 3 * pixel[0]! + 3);
    if (per >= 3) return pixel.slice(0, 3).map(byte);
    return [pixel[0]!, pixel[0]!, pixel[0]!].map(byte);
  };
  const data = pixels.flatMap(rgb);
  return per % 2 === 0 ? { data, alpha: pixels.map((pixel) => byte(pixel[per - 1]!)) } : { data };
}

/** Counts, until the end of the test, the bytes that all inflating gives. */
function countInflated(): () => number {
  let bytes = 0;
  const Real = DecompressionStream;
  vi.stubGlobal(
    'DecompressionStream',
    class {
      readonly readable: ReadableStream<Uint8Array>;
      readonly writable: WritableStream<BufferSource>;
      constructor(format: CompressionFormat) {
        const { readable, writable } = new Real(format);
        const transform = (part: Uint8Array, controller: TransformStreamDefaultController<Uint8Array>): void => {
          bytes += part.length;
          controller.enqueue(part);
        };
        this.readable = readable.pipeThrough(new TransformStream({ transform }));
        this.writable = writable;
      }
    },
  );
  return () => bytes;
}

afterEach(() => {
  vi.unstubAllGlobals();
});

describe('decodeImage on PNG', () => {
  for (const [colourType, depths] of ALLOWED) {
    for (const depth of depths) {
      for (const interlaced of [false, true]) {
        const how = interlaced ? 'interlaced' : 'line by line';
        it(`decodes colour type ${colourType} at ${depth} bits, ${how}, exactly`, async () => {
          for (const [width, height] of SIZES) {
            const samples = testSamples(width * height * SAMPLES[colourType], depth);
            const palette = colourType === 3 ? PALETTE.slice(0, 3 * 2 ** depth) : undefined;
            const png: TestPng = { width, height, depth, colourType, samples, interlaced, palette };
            const image = await decodeImage(await writePng(png));
            const want = expectedPixels(png);
            expect([image.width, image.height]).toEqual([width, height]);
            expect([...image.data]).toEqual(want.data);
            expect(image.alpha && [...image.alpha]).toEqual(want.alpha);
          }
        });
      }
    }
  }

  it('takes the alpha of palette colours from tRNS, opaque beyond its end', async () => {
    const palette = [1, 2, 3, 4, 5, 6, 7, 8, 9];
    const base = { width: 3, height: 1, depth: 8, colourType: 3 as const, samples: [0, 1, 2] };
    const image = await decodeImage(await writePng({ ...base, palette, transparency: [0, 128] }));
    expect([...image.data]).toEqual(palette);
    expect([...(image.alpha ?? [])]).toEqual([0, 128, 255]);
  });

  it('makes one gray level transparent by tRNS, compared at full depth', async () => {
    const base = { width: 3, height: 1, depth: 16, colourType: 0 as const, samples: [0x1234, 0x1235, 0x1234] };
    const image = await decodeImage(await writePng({ ...base, transparency: [0x12, 0x34] }));
    expect([...image.data]).toEqual(Array(9).fill(0x12));
    expect([...(image.alpha ?? [])]).toEqual([0, 255, 0]);
  });

  it('makes one colour transparent by tRNS, compared at full depth', async () => {
    const base = { width: 2, height: 1, colourType: 2 as const };
    const shallow = { ...base, depth: 8, samples: [9, 8, 7, 9, 8, 6], transparency: [0, 9, 0, 8, 0, 7] };
    const deep = { ...base, depth: 16, samples: [0x901, 8, 7, 0x902, 8, 7], transparency: [9, 1, 0, 8, 0, 7] };
    for (const png of [shallow, deep]) {
      const image = await decodeImage(await writePng(png));
      expect(image.data[0]).toBe(9);
      expect([...(image.alpha ?? [])]).toEqual([0, 255]);
    }
  });

  it('stops inflating at the size that the header promises', async () => {
    const png = { width: 1, height: 1, depth: 8, colourType: 2 as const };
    const bomb = await deflate(new Uint8Array(64 << 20));
    const inflated = countInflated();
    const image = await decodeImage(pngFile(header(png), chunk('IDAT', bomb), chunk('IEND', [])));
    expect([...image.data]).toEqual([0, 0, 0]);
    expect(inflated()).toBeGreaterThan(0);
    expect(inflated()).toBeLessThan(1 << 20);
  });

  it('refuses every cut of a file', async () => {
    const samples = testSamples(12, 8);
    const bytes = await writePng({ width: 2, height: 2, depth: 8, colourType: 2, samples });
    for (let length = 8; length < bytes.length; length++) {
      await expect(decodeImage(bytes.subarray(0, length)), `cut at ${length}`).rejects.toMatchObject({
        code: 'image.truncated',
        message: expect.stringContaining(`byte ${length}`) as string,
      });
    }
  });

  it('refuses picture data that ends early, naming both sizes', async () => {
    const png = { width: 4, height: 4, depth: 8, colourType: 0 as const };
    const data = await deflate(new Uint8Array(11));
    await expect(decodeImage(pngFile(header(png), chunk('IDAT', data), chunk('IEND', [])))).rejects.toMatchObject({
      code: 'image.corrupt',
      message: expect.stringContaining('11 bytes of the 20') as string,
    });
  });

  it('refuses data that is not zlib, a changed byte, an unknown filter and a missing colour', async () => {
    const png = { width: 2, height: 1, depth: 8, colourType: 0 as const };
    const corrupt = { code: 'image.corrupt' };
    const garbage = pngFile(header(png), chunk('IDAT', [1, 2, 3, 4, 5, 6]), chunk('IEND', []));
    await expect(decodeImage(garbage)).rejects.toMatchObject(corrupt);
    const changed = await writePng({ ...png, samples: [1, 2] });
    changed[changed.length - 20]! ^= 1;
    await expect(decodeImage(changed)).rejects.toMatchObject(corrupt);
    const filter = await deflate(new Uint8Array([5, 0, 0]));
    const unknown = pngFile(header(png), chunk('IDAT', filter), chunk('IEND', []));
    await expect(decodeImage(unknown)).rejects.toMatchObject({
      message: expect.stringContaining('filter 5') as string,
    });
    const missing = await writePng({ ...png, colourType: 3, samples: [0, 7], palette: [1, 2, 3] });
    await expect(decodeImage(missing)).rejects.toMatchObject({
      message: expect.stringContaining('column 1, row 0: colour 7 of a palette of 1') as string,
    });
  });
});
