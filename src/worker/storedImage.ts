// A stored picture as training refers to it and as the vision tower reads it.

import type { ImageRef } from '../data/encode';
import { imageToPatches, type ImagePatches } from '../image/patches';
import type { ImageProcessor } from '../image/processorConfig';
import { imageGrid } from '../image/smartResize';
import { viewRgb, viewSize, type ImageView } from '../image/view';
import { loadImage } from '../storage/datasets';

/** Refers to a stored picture in a view, its grid read from the file's header. @throws storage.missing, image.* */
export async function imageRefOf(hash: string, view: ImageView, processor: ImageProcessor): Promise<ImageRef> {
  const { width, height } = viewSize(await loadImage(hash), view);
  return { hash, view, grid: imageGrid(width, height, processor) };
}

/** Decodes a stored picture in the view of its reference and cuts it into patches. @throws storage.missing, image.* */
export async function patchesOf({ hash, view }: ImageRef, processor: ImageProcessor): Promise<ImagePatches> {
  return imageToPatches(await viewRgb(await loadImage(hash), view), processor);
}
