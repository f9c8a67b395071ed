import { describe, expect, it } from 'vitest';
import { IMAGE_LOADINGS } from '../base/imageLoading';
import { openHttpFolder } from '../reference/httpFolder';
import { decodeImage } from './decode';
import { libraryRgb } from './rgbImage';
import type { RgbImage } from './rgbImage';
import { testSamples, writePng } from './testPng';
import type { TestPng } from './testPng';
import { viewRgb } from './view';
import { VIEW_CASES } from './viewCases';

const folder = await openHttpFolder('/reference');
const imageCase = folder.cases.find(({ kind }) => kind === 'image')!;
const meta = (await folder.json(`${imageCase.path}/image.json`)) as { cases: { file: string }[] };
const bytesOf = (file: string): Promise<Uint8Array> => folder.bytes(`${imageCase.path}/${file}`);

/** Chromium's own decoding of an opaque picture. */
async function byBrowser(bytes: Uint8Array<ArrayBuffer>): Promise<number[]> {
  const bitmap = await createImageBitmap(new Blob([bytes]), { colorSpaceConversion: 'none' });
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d', { willReadFrequently: true });
  context?.drawImage(bitmap, 0, 0);
  const rgba = context?.getImageData(0, 0, bitmap.width, bitmap.height).data ?? [];
  return [...rgba].filter((_, i) => i % 4 !== 3);
}

/** A striped picture as a JPEG with the given EXIF orientation and, if asked, a colour profile that is nonsense. */
async function jpegWith(orientation: number, profile = false): Promise<Uint8Array<ArrayBuffer>> {
  const canvas = new OffscreenCanvas(24, 16);
  const context = canvas.getContext('2d');
  ['red', 'lime', 'blue'].forEach((colour, i) => {
    if (context) context.fillStyle = colour;
    context?.fillRect(8 * i, 0, 8, 16);
  });
  const blob = await canvas.convertToBlob({ type: 'image/jpeg', quality: 1 });
  const plain = new Uint8Array(await blob.arrayBuffer());
  const tiff = [0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0];
  const exif = [0xff, 0xe1, 0, 8 + tiff.length + 4, 69, 120, 105, 102, 0, 0, ...tiff, 0, 0, 0, 0];
  const icc = profile ? [0xff, 0xe2, 0, 20, ...new TextEncoder().encode('ICC_PROFILE\0'), 1, 1, 0, 0, 0, 4] : [];
  return Uint8Array.from([0xff, 0xd8, ...exif, ...icc, ...plain.subarray(2)]);
}

function pixel(image: RgbImage, x: number, y: number): number[] {
  return [...image.data.subarray(3 * (y * image.width + x), 3 * (y * image.width + x) + 3)];
}

describe.each(IMAGE_LOADINGS)('the view of the loading %s', (loading) => {
  const jpegs = VIEW_CASES.filter(({ name }) => name.startsWith('jpeg'));

  it.each(jpegs)('has the pixels that Pillow makes of $name within 2 levels', async ({ file, ...want }) => {
    const { width, height, data } = await viewRgb(file, { loading, preResize: false });
    expect([width, height]).toEqual([want[loading].width, want[loading].height]);
    const off = data.map((value, i) => Math.abs(value - want[loading].data[i]!));
    expect(Math.max(...off)).toBeLessThanOrEqual(2);
  });
});

describe('decodeImage in the browser', () => {
  it('does not turn a JPEG by its EXIF orientation', async () => {
    const bytes = await jpegWith(6);
    const stored = await decodeImage(bytes);
    expect([stored.width, stored.height]).toEqual([24, 16]);
    expect(pixel(stored, 0, 0)[0]).toBeGreaterThan(240);
  });

  it('gives the same pixels with and without a colour profile', async () => {
    expect(await decodeImage(await jpegWith(1, true))).toEqual(await decodeImage(await jpegWith(1)));
  });

  it('agrees with the browser on opaque PNGs of every depth, interlaced or not', async () => {
    const size = { width: 13, height: 9 };
    const kinds: [TestPng['colourType'], number, number][] = [
      [0, 1, 1],
      [0, 2, 1],
      [0, 4, 1],
      [0, 8, 1],
      [2, 8, 3],
      [3, 4, 1],
      [3, 8, 1],
    ];
    for (const [colourType, depth, per] of kinds) {
      for (const interlaced of [false, true]) {
        const samples = testSamples(size.width * size.height * per, depth);
        const palette = colourType === 3 ? testSamples(3 * 2 ** depth, 8) : undefined;
        const bytes = await writePng({ ...size, depth, colourType, samples, interlaced, palette });
        const image = await decodeImage(bytes);
        expect([...image.data], `type ${colourType}, ${depth} bits`).toEqual(await byBrowser(bytes));
      }
    }
  });

  it('keeps the colours under transparent pixels, which a canvas would lose', async () => {
    const samples = [200, 100, 50, 0, 200, 100, 50, 1];
    const image = await decodeImage(await writePng({ width: 2, height: 1, depth: 8, colourType: 6, samples }));
    expect([...image.data]).toEqual([200, 100, 50, 200, 100, 50]);
    expect([...libraryRgb(image).data.subarray(0, 3)]).toEqual([255, 255, 255]);
  });

  it('refuses a JPEG cut at any tenth of its length', async () => {
    const jpeg = meta.cases.find(({ file }) => file.endsWith('.jpg'))!;
    const bytes = await bytesOf(jpeg.file);
    for (let tenth = 1; tenth < 10; tenth++) {
      const cut = bytes.subarray(0, Math.floor((bytes.length * tenth) / 10));
      await expect(decodeImage(cut), `${tenth} tenths`).rejects.toMatchObject({ code: 'image.truncated' });
    }
  });

  it('names a JPEG whose content is damaged beyond decoding', async () => {
    const bytes = (await jpegWith(1)).slice();
    const tables = bytes.findIndex((byte, i) => byte === 0xff && bytes[i + 1] === 0xdb);
    bytes.fill(0, tables + 4, tables + 9);
    bytes[tables + 4] = 0xff;
    await expect(decodeImage(bytes)).rejects.toMatchObject({ code: 'image.corrupt' });
  });
});
