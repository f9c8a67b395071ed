import { describe, expect, it } from 'vitest';
import { imageToPatches, patchRows } from './patches';
import { parseImageProcessor } from './processorConfig';
import type { RgbImage } from './rgbImage';

/** Red counts the pixels from 0 in raster order; green and blue add 100 and 200. */
function counting(width: number, height: number): RgbImage {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => Math.floor(i / 3) + 100 * (i % 3));
  return { width, height, data };
}

const PLAIN = { image_mean: [0, 0, 0], image_std: [1, 1, 1], rescale_factor: 1 };

describe('patchRows', () => {
  it('orders patches by merge block, and a row by channel, frame, line and column', () => {
    const processor = parseImageProcessor({ ...PLAIN, patch_size: 1, merge_size: 2, temporal_patch_size: 2 });
    const { patches, grid } = patchRows(counting(4, 4), processor);
    expect(grid).toEqual([1, 4, 4]);
    const red = Array.from({ length: 16 }, (_, row) => patches[row * 6]);
    expect(red).toEqual([0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15]);
    expect([...patches.subarray(0, 6)]).toEqual([0, 0, 100, 100, 200, 200]);
  });

  it('keeps the raster inside a patch and repeats it for every frame', () => {
    const processor = parseImageProcessor({ ...PLAIN, patch_size: 2, merge_size: 1, temporal_patch_size: 3 });
    const { patches, grid } = patchRows(counting(4, 2), processor);
    expect(grid).toEqual([1, 1, 2]);
    expect([...patches.subarray(0, 16)]).toEqual([0, 1, 4, 5, 0, 1, 4, 5, 0, 1, 4, 5, 100, 101, 104, 105]);
    expect(patches.length).toBe(2 * 3 * 3 * 4);
  });

  it('rounds to float32 after scaling, after the mean and after the division', () => {
    const { patches } = imageToPatches(counting(28, 28), parseImageProcessor({ min_pixels: 784 }));
    const scaled = Math.fround(1 * 0.00392156862745098);
    const centred = Math.fround(scaled - Math.fround(0.48145466));
    expect(patches[1]).toBe(Math.fround(centred / Math.fround(0.26862954)));
  });

  it('refuses sides that are not whole merge blocks', () => {
    const processor = parseImageProcessor({ patch_size: 2, merge_size: 2 });
    expect(() => patchRows(counting(4, 6), processor)).toThrow(expect.objectContaining({ code: 'image.size' }));
  });
});
