import { describe, expect, it } from 'vitest';
import { IMAGE_LOADINGS } from '../base/imageLoading';
import { applyOrientation, exifOrientation } from './exif';
import { libraryRgb, recipeRgb } from './rgbImage';
import type { RgbImage } from './rgbImage';
import { chunk, pngFile } from './testPng';
import { loadingDifference, openPicture, pictureSize, viewRgb, viewSize } from './view';
import { VIEW_CASES, viewCase } from './viewCases';

/** One gray pixel per digit, rows separated by a slash. */
function fromDigits(digits: string): RgbImage {
  const rows = digits.split('/');
  const values = [...rows.join('')].map(Number);
  const data = Uint8Array.from(values.flatMap((value) => [value, value + 10, value + 20]));
  return { width: rows[0]!.length, height: rows.length, data, alpha: Uint8Array.from(values) };
}

const pngs = VIEW_CASES.filter(({ name }) => !name.startsWith('jpeg'));

describe.each(IMAGE_LOADINGS)('the view of the loading %s', (loading) => {
  const view = { loading, preResize: false };

  it.each(pngs)('has the pixels that Pillow and transformers make of $name', async ({ file, ...want }) => {
    const { width, height, data } = await viewRgb(file, view);
    expect([width, height, ...data]).toEqual([want[loading].width, want[loading].height, ...want[loading].data]);
  });

  it.each(VIEW_CASES)('knows the size of $name without decoding it', ({ file, ...want }) => {
    const { width, height } = want[loading];
    expect(viewSize(pictureSize(file), view)).toEqual({ width, height });
  });

  it('knows the size after the pre-resize, which looks at the upright picture', async () => {
    const { file } = viewCase('png_exif_6');
    const { width, height } = await viewRgb(file, { loading, preResize: true });
    expect(viewSize(pictureSize(file), { loading, preResize: true })).toEqual({ width, height });
    expect([width, height]).toEqual(loading === 'library' ? [28, 46] : [46, 28]);
  });
});

it('the loadings of a picture differ exactly where it is turned or has pixels that are not opaque', async () => {
  for (const { name, file, library, recipe } of pngs) {
    const { turned, transparent } = loadingDifference(await openPicture(file));
    const same = JSON.stringify([library, [...library.data]]) === JSON.stringify([recipe, [...recipe.data]]);
    expect([name, turned || transparent]).toEqual([name, !same]);
  }
});

describe('the alpha of a picture', () => {
  const data = Uint8Array.from([10, 20, 30, 10, 20, 30, 100, 101, 0]);
  const image: RgbImage = { width: 3, height: 1, data, alpha: Uint8Array.from([0, 255, 128]) };

  it('is dropped in the recipe, and hidden colours show', () => {
    expect(recipeRgb(image)).toEqual({ width: 3, height: 1, data });
  });

  it('lays the picture on white in the library, rounded to the nearest level', () => {
    const mixed = [100, 101, 0].map((value) => Math.round((value * 128 + 255 * 127) / 255));
    expect([...libraryRgb(image).data]).toEqual([255, 255, 255, 10, 20, 30, ...mixed]);
    for (let a = 0; a < 256; a++) {
      for (const value of [0, 1, 127, 254, 255]) {
        const pixel = { width: 1, height: 1, data: new Uint8Array(3).fill(value), alpha: Uint8Array.of(a) };
        expect(libraryRgb(pixel).data[0]).toBe(Math.round((value * a + 255 * (255 - a)) / 255));
      }
    }
  });
});

describe('applyOrientation', () => {
  it.each([
    [1, '123/456'],
    [2, '321/654'],
    [3, '654/321'],
    [4, '456/123'],
    [5, '14/25/36'],
    [6, '41/52/63'],
    [7, '63/52/41'],
    [8, '36/25/14'],
  ])('turns a picture of orientation %i upright', (orientation, upright) => {
    expect(applyOrientation(fromDigits('123/456'), orientation)).toEqual(fromDigits(upright));
  });
});

describe('exifOrientation', () => {
  const bigEndian = [0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 8, 0, 0];
  const littleEndian = [0x49, 0x49, 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0];
  const jpeg = (tiff: number[]): Uint8Array =>
    Uint8Array.from([0xff, 0xd8, 0xff, 0xe1, 0, 8 + tiff.length, 69, 120, 105, 102, 0, 0, ...tiff, 0xff, 0xda, 0, 2]);

  it('reads either byte order from a JPEG, and from the eXIf chunk of a PNG', () => {
    expect(exifOrientation(jpeg(bigEndian))).toBe(8);
    expect(exifOrientation(jpeg(littleEndian))).toBe(6);
    expect(exifOrientation(pngFile(chunk('eXIf', littleEndian)))).toBe(6);
  });

  it('is upright without EXIF and with damaged EXIF', () => {
    expect(exifOrientation(Uint8Array.from([0xff, 0xd8, 0xff, 0xda, 0, 2]))).toBe(1);
    expect(exifOrientation(pngFile(chunk('IEND', [])))).toBe(1);
    for (let length = 0; length < bigEndian.length; length++) {
      expect(exifOrientation(jpeg(bigEndian.slice(0, length)))).toBe(length < 22 ? 1 : 8);
    }
  });
});
