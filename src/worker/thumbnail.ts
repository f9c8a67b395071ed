// Small JPEGs for tables, of the very pixels that the model sees. Never used for training.

import type { PictureSize, Thumbnails } from '../base/dataset';
import type { RgbImage } from '../image/rgbImage';
import { loadingDifference, openPicture, pictureSize, rgbOf, type LoadingDifference } from '../image/view';

const MAX_SIDE = 160;
const QUALITY = 0.85;

function rgbaOf(rgb: Uint8Array): Uint8ClampedArray<ArrayBuffer> {
  const out = new Uint8ClampedArray((rgb.length / 3) * 4);
  for (let from = 0, to = 0; from < rgb.length; from += 3, to += 4) {
    out[to] = rgb[from]!;
    out[to + 1] = rgb[from + 1]!;
    out[to + 2] = rgb[from + 2]!;
    out[to + 3] = 255;
  }
  return out;
}

/** A JPEG of at most 160 pixels a side. */
async function shrink(image: RgbImage): Promise<Uint8Array<ArrayBuffer>> {
  const scale = Math.min(1, MAX_SIDE / Math.max(image.width, image.height));
  const width = Math.max(1, Math.round(image.width * scale));
  const height = Math.max(1, Math.round(image.height * scale));
  const pixels = new ImageData(rgbaOf(image.data), image.width, image.height);
  const small = await createImageBitmap(pixels, { resizeWidth: width, resizeHeight: height, resizeQuality: 'medium' });
  const canvas = new OffscreenCanvas(width, height);
  // On the CPU: reading a small canvas back from the GPU costs more than drawing it.
  canvas.getContext('2d', { willReadFrequently: true })?.drawImage(small, 0, 0);
  small.close();
  const blob = await canvas.convertToBlob({ type: 'image/jpeg', quality: QUALITY });
  return new Uint8Array(await blob.arrayBuffer());
}

/** A picture's thumbnails and size, and whether its two loadings differ. */
export interface SmallPicture extends LoadingDifference {
  thumbnails: Thumbnails;
  size: PictureSize;
}

/**
 * Makes a picture's thumbnails, one for each loading that gives other pixels. Decodes with the decoder that training
 * uses, so it fails where training would.
 * @throws as decodeImage
 */
export async function makeThumbnails(bytes: Uint8Array): Promise<SmallPicture> {
  const picture = await openPicture(bytes);
  const difference = loadingDifference(picture);
  const thumbnails: Thumbnails = { library: await shrink(rgbOf(picture, 'library')) };
  if (difference.turned || difference.transparent) thumbnails.recipe = await shrink(rgbOf(picture, 'recipe'));
  return { ...difference, thumbnails, size: pictureSize(bytes) };
}
