// The views of a picture file: the RGB array that the model, the thumbnails and the checks all start from, and its size
// for token counts. Nothing else may make an RGB array of a file.

import type { PictureSize } from '../base/dataset';
import type { ImageLoading } from '../base/imageLoading';
import { decodeImage } from './decode';
import { applyOrientation, exifOrientation, swapsSides, UPRIGHT } from './exif';
import { imageSize } from './header';
import { preResize, preResizedSize } from './preResize';
import { libraryRgb, recipeRgb } from './rgbImage';
import type { RgbImage } from './rgbImage';

/** What is made of a file before the image processor. */
export interface ImageView {
  loading: ImageLoading;
  /** MMHERC's Lanczos step. */
  preResize: boolean;
}

/** A decoded file, before a choice of loading. */
export interface Picture {
  /** As stored, with alpha where the file has it. */
  stored: RgbImage;
  /** EXIF: 1 is upright. */
  orientation: number;
}

/** Decodes a file for `rgbOf`. @throws as decodeImage */
export async function openPicture(bytes: Uint8Array): Promise<Picture> {
  const stored = await decodeImage(bytes);
  return { stored, orientation: exifOrientation(bytes) };
}

/**
 * The pixels of a picture, by the rules of a loading. `library`: upright by EXIF as datasets' Image feature and
 * transformers' load_image make it (ImageOps.exif_transpose), then transparency on white as transformers' image
 * processors do (convert_to_rgb). `recipe`: as stored, alpha dropped.
 * @returns (H, W, 3) u8; may share its data with `picture`
 */
export function rgbOf({ stored, orientation }: Picture, loading: ImageLoading): RgbImage {
  switch (loading) {
    case 'library':
      return libraryRgb(applyOrientation(stored, orientation));
    case 'recipe':
      return recipeRgb(stored);
    default:
      return loading satisfies never;
  }
}

/** How the pixels of the two loadings differ. */
export interface LoadingDifference {
  /** The file's EXIF orientation turns or mirrors it. */
  turned: boolean;
  /** Some pixel is not opaque. */
  transparent: boolean;
}

/** Whether and why the choice of loading matters for a picture. */
export function loadingDifference({ stored, orientation }: Picture): LoadingDifference {
  return { turned: orientation !== UPRIGHT, transparent: stored.alpha?.some((value) => value < 255) ?? false };
}

/** The RGB array of a file in a view, before the image processor scales it. @throws as decodeImage, preResize */
export async function viewRgb(bytes: Uint8Array, view: ImageView): Promise<RgbImage> {
  const rgb = rgbOf(await openPicture(bytes), view.loading);
  return view.preResize ? preResize(rgb) : rgb;
}

/** Size and orientation of a file, from its header alone. @throws as imageSize */
export function pictureSize(bytes: Uint8Array): PictureSize {
  const { width, height } = imageSize(bytes);
  return { width, height, orientation: exifOrientation(bytes) };
}

/** Width and height of a picture in a view, as `viewRgb` makes it. @throws as preResizedSize */
export function viewSize(
  { width, height, orientation }: PictureSize,
  view: ImageView,
): { width: number; height: number } {
  const turned = view.loading === 'library' && swapsSides(orientation);
  const size = turned ? { width: height, height: width } : { width, height };
  return view.preResize ? preResizedSize(size.width, size.height) : size;
}
