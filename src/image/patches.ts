// RGB -> the rows of pixel values that the vision tower reads. Must not decode.

import { check } from '../base/errors';
import type { ImageProcessor } from './processorConfig';
import { resample } from './resample';
import type { RgbImage } from './rgbImage';
import { smartResize } from './smartResize';

/** Rows of a picture and its grid in patches, as `pixel_values` and one row of `image_grid_thw`. */
export interface ImagePatches {
  /** (P, 3 * T * p * p) f32, merge blocks in raster order, raster inside a block; a row is (channel, T, p, p). */
  patches: Float32Array<ArrayBuffer>;
  /** [frames, rows, columns] in patches. */
  grid: [1, number, number];
}

const CHANNELS = 3;
const LEVELS = 256;

/** Resizes a picture of any size to what the model takes: the size rule, then bicubic. Throws as smartResize. */
export function resizeForModel(rgb: RgbImage, processor: ImageProcessor): RgbImage {
  const size = smartResize(rgb.height, rgb.width, processor.patch_size * processor.merge_size, processor);
  return resample(rgb, size.width, size.height, 'bicubic');
}

/**
 * Pixel value of each u8 level, per channel: fround(v * rescale), less the mean, over the std, each rounded to f32.
 * @returns (3, 256)
 */
function valueTable(processor: ImageProcessor): Float32Array {
  const table = new Float32Array(CHANNELS * LEVELS);
  for (let c = 0; c < CHANNELS; c++) {
    const mean = Math.fround(processor.image_mean[c]!);
    const std = Math.fround(processor.image_std[c]!);
    for (let v = 0; v < LEVELS; v++) {
      const centred = Math.fround(Math.fround(v * processor.rescale_factor) - mean);
      table[c * LEVELS + v] = centred / std;
    }
  }
  return table;
}

/**
 * Cuts a picture whose sides are multiples of patch_size * merge_size into rows; the frames of a row are equal.
 * @param resized (H, W, 3) u8 @throws image.size when the sides do not divide
 */
export function patchRows(resized: RgbImage, processor: ImageProcessor): ImagePatches {
  const { patch_size: p, temporal_patch_size: frames, merge_size: merge } = processor;
  const { width, height, data } = resized;
  const divides = width % (p * merge) === 0 && height % (p * merge) === 0;
  check(divides, 'image.size', `picture of ${width} x ${height}: sides must be multiples of ${p * merge}`);
  const [rows, columns] = [height / p, width / p];
  const table = valueTable(processor);
  const plane = p * p;
  const rowLength = CHANNELS * frames * plane;
  const patches = new Float32Array(rows * columns * rowLength);
  for (let patchRow = 0; patchRow < rows; patchRow++) {
    for (let patchColumn = 0; patchColumn < columns; patchColumn++) {
      const block = Math.floor(patchRow / merge) * (columns / merge) + Math.floor(patchColumn / merge);
      const inBlock = (patchRow % merge) * merge + (patchColumn % merge);
      const start = (block * merge * merge + inBlock) * rowLength;
      writePatch(patches, start, data, (patchRow * p * width + patchColumn * p) * CHANNELS, width, p, frames, table);
    }
  }
  return { patches, grid: [1, rows, columns] };
}

/** Writes one row, beginning at `to`, from the patch whose first sample is at `from`. */
function writePatch(
  out: Float32Array,
  to: number,
  data: Uint8Array,
  from: number,
  width: number,
  p: number,
  frames: number,
  table: Float32Array,
): void {
  const plane = p * p;
  for (let c = 0; c < CHANNELS; c++) {
    const start = to + c * frames * plane;
    for (let y = 0; y < p; y++) {
      const line = from + y * width * CHANNELS + c;
      for (let x = 0; x < p; x++) out[start + y * p + x] = table[c * LEVELS + data[line + x * CHANNELS]!]!;
    }
    for (let t = 1; t < frames; t++) out.copyWithin(start + t * plane, start, start + plane);
  }
}

/**
 * Everything between a decoded picture and the vision tower: size rule, bicubic resize, normalisation, patches.
 * @param rgb (H, W, 3) u8; alpha is not looked at, choose a view (rgbImage.ts) first
 * @throws image.aspectRatio, image.size
 */
export function imageToPatches(rgb: RgbImage, processor: ImageProcessor): ImagePatches {
  return patchRows(resizeForModel(rgb, processor), processor);
}
