// A stored picture as training refers to it and as the vision tower reads it.

import { LorikeetError } from '../base/errors';
import type { ImageRef } from '../data/encode';
import { imageToPatches, type ImagePatches } from '../image/patches';
import type { ImageProcessor } from '../image/processorConfig';
import { imageGrid } from '../image/smartResize';
import { viewRgb, viewSize, type ImageView } from '../image/view';
import type { Recipe } from '../recipe/config';
import { loadImage } from '../storage/datasets';

/** Refers to a stored picture in a view, its grid read from the file's header. @throws storage.missing, image.* */
async function imageRefOf(hash: string, view: ImageView, processor: ImageProcessor): Promise<ImageRef> {
  const { width, height } = viewSize(await loadImage(hash), view);
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

/** Refers to a stored picture in the views that a recipe's stages take of it. @throws storage.missing, image.* */
export async function viewsOf(hash: string, recipe: Recipe, processor: ImageProcessor): Promise<Views> {
  const { image_loading: loading, grpo_pre_resize } = recipe;
  const plain = await imageRefOf(hash, { loading, preResize: false }, processor);
  if (!grpo_pre_resize) return { plain, grpo: plain, tooThin: '' };
  try {
    return { plain, grpo: await imageRefOf(hash, { loading, preResize: true }, processor), tooThin: '' };
  } catch (error) {
    if (!(error instanceof LorikeetError) || error.code !== 'image.aspectRatio') throw error;
    return { plain, grpo: null, tooThin: error.message };
  }
}

/** Decodes a stored picture in the view of its reference and cuts it into patches. @throws storage.missing, image.* */
export async function patchesOf({ hash, view }: ImageRef, processor: ImageProcessor): Promise<ImagePatches> {
  return imageToPatches(await viewRgb(await loadImage(hash), view), processor);
}
