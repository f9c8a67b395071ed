import { describe, expect, it } from 'vitest';
import { preResize, preResizeSize } from './preResize';
import { parseImageProcessor } from './processorConfig';
import { resample } from './resample';
import type { RgbImage } from './rgbImage';
import { imageGrid, imageTokenCount, smartResize } from './smartResize';

const REAL = parseImageProcessor({});

function flat(width: number, height: number, level: number): RgbImage {
  return { width, height, data: new Uint8Array(width * height * 3).fill(level) };
}

describe('smartResize', () => {
  it('accepts a ratio of 200 and refuses more', () => {
    expect(smartResize(2800, 14, 28, REAL)).toEqual({ height: 812, width: 28 });
    for (const [height, width] of [
      [2814, 14],
      [1, 201],
    ] as const) {
      expect(() => smartResize(height, width, 28, REAL)).toThrow(
        expect.objectContaining({ code: 'image.aspectRatio' }),
      );
    }
  });

  it('refuses sizes that are no pixel counts', () => {
    for (const side of [0, -1, 1.5, NaN]) {
      expect(() => smartResize(side, 10, 28, REAL)).toThrow(expect.objectContaining({ code: 'image.size' }));
    }
  });

  it('gives the grid and a quarter of its patches as tokens', () => {
    expect(imageGrid(320, 240, REAL)).toEqual([1, 18, 22]);
    expect(imageTokenCount(320, 240, REAL)).toBe(99);
  });

  it('gives a picture as many tokens on its side as upright, so that counts hold for either loading', () => {
    const small = parseImageProcessor({ min_pixels: 3136, max_pixels: 50176 });
    for (const processor of [REAL, small]) {
      for (const [width, height] of [
        [1, 150],
        [14, 2800],
        [20, 31],
        [70, 98],
        [97, 211],
        [375, 600],
        [4000, 3000],
      ]) {
        const turned = imageTokenCount(height!, width!, processor);
        expect([width, height, turned]).toEqual([width, height, imageTokenCount(width!, height!, processor)]);
      }
    }
  });

  it('follows the patch and merge sizes of the file', () => {
    const processor = parseImageProcessor({ patch_size: 16, merge_size: 1, min_pixels: 1, max_pixels: 10000 });
    expect(imageGrid(50, 30, processor)).toEqual([1, 2, 3]);
    expect(imageTokenCount(50, 30, processor)).toBe(6);
  });
});

describe('resample', () => {
  it('keeps a flat colour flat with either filter, larger and smaller', () => {
    for (const filter of ['bicubic', 'lanczos'] as const) {
      for (const [width, height] of [
        [1, 1],
        [3, 50],
        [97, 5],
      ] as const) {
        const out = resample(flat(17, 11, 201), width, height, filter);
        expect([out.width, out.height, out.data.length]).toEqual([width, height, width * height * 3]);
        expect(out.data.every((value) => value === 201)).toBe(true);
      }
    }
  });

  it('clamps the overshoot of a hard edge to a byte', () => {
    const edge: RgbImage = { width: 2, height: 1, data: Uint8Array.from([0, 0, 0, 255, 255, 255]) };
    const out = resample(edge, 16, 1, 'lanczos');
    expect([out.data[0], out.data[45]]).toEqual([0, 255]);
  });

  it('returns the same pixels when the size does not change', () => {
    const image = flat(4, 3, 7);
    expect(resample(image, 4, 3, 'bicubic').data).toBe(image.data);
  });

  it('refuses a result without pixels', () => {
    expect(() => resample(flat(4, 3, 7), 0, 3, 'bicubic')).toThrow(expect.objectContaining({ code: 'image.size' }));
  });
});

describe('preResize', () => {
  it('is applied twice: 20 x 900 becomes 28 x 1260, then 11 x 512', () => {
    expect(preResizeSize(20, 900)).toEqual({ width: 28, height: 1260 });
    const out = preResize(flat(20, 900, 90));
    expect([out.width, out.height]).toEqual([11, 512]);
  });

  it('leaves sides from 28 to 512 alone', () => {
    expect(preResizeSize(28, 512)).toEqual({ width: 28, height: 512 });
  });

  it('refuses a picture so thin that a side would vanish', () => {
    expect(() => preResizeSize(28, 15000)).toThrow(expect.objectContaining({ code: 'image.aspectRatio' }));
  });
});
