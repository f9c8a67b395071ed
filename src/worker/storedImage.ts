// A stored picture as training refers to it and as the vision tower reads it.

import type { PictureSize } from '../base/dataset';
import { LorikeetError } from '../base/errors';
import type { ImageRef } from '../data/encode';
import { imageToPatches, type ImagePatches } from '../image/patches';
import type { ImageProcessor } from '../image/processorConfig';
import { imageGrid } from '../image/smartResize';
import { viewRgb, viewSize, type ImageView } from '../image/view';
import type { Recipe } from '../recipe/config';
import { loadImage } from '../storage/datasets';

/** A picture's key in storage and its size. */
export interface SizedImage {
  hash: string;
  size: PictureSize;
}

/** Refers to a stored picture in a view. @throws image.* */
function imageRefOf({ hash, size }: SizedImage, view: ImageView, processor: ImageProcessor): ImageRef {
  const { width, height } = viewSize(size, view);
  return { hash, view, grid: imageGrid(width, height, processor) };
}

/** A picture as SFT and evaluations see it, and as GRPO does. */
export interface Views {
  plain: ImageRef;
  /** null: too thin for the pre-resize. */
  grpo: ImageRef | null;
  /** Why there is none. */
  tooThin: string;
}

/**
 * Refers to a stored picture in the views that a recipe's stages take of it; reads no file.
 * @param processor with the recipe's limits @throws image.*
 */
export function viewsOf(image: SizedImage, recipe: Recipe, processor: ImageProcessor): Views {
  const { image_loading: loading, grpo_pre_resize } = recipe;
  const plain = imageRefOf(image, { loading, preResize: false }, processor);
  if (!grpo_pre_resize) return { plain, grpo: plain, tooThin: '' };
  try {
    return { plain, grpo: imageRefOf(image, { loading, preResize: true }, processor), tooThin: '' };
  } catch (error) {
    if (!(error instanceof LorikeetError) || error.code !== 'image.aspectRatio') throw error;
    return { plain, grpo: null, tooThin: error.message };
  }
}

/** Decodes a stored picture in the view of its reference and cuts it into patches. @throws storage.missing, image.* */
export async function patchesOf({ hash, view }: ImageRef, processor: ImageProcessor): Promise<ImagePatches> {
  return imageToPatches(await viewRgb(await loadImage(hash), view), processor);
}
