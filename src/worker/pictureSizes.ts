// The sizes of a stored dataset's pictures without reading the pictures, wherever an import has noted them.

import type { PictureSize } from '../base/dataset';
import { pictureSize } from '../image/view';
import { addPictureSizes, imageMissing, loadImage, storedImages, type StoredDataset } from '../storage/datasets';

/**
 * The size of every picture of a dataset. What an older version's import did not note is read from the files now, one
 * file at a time, and kept.
 * @throws storage.missing for a picture that is gone; storage.failed, image.*
 */
export async function pictureSizes({ info, rows, sizes }: StoredDataset): Promise<Map<string, PictureSize>> {
  const all = new Map(sizes);
  const stored = await storedImages();
  const used = new Set(rows.map(({ image }) => image));
  let added = 0;
  for (const hash of used) {
    if (!stored.has(hash)) throw imageMissing(hash);
    if (all.has(hash)) continue;
    all.set(hash, pictureSize(await loadImage(hash)));
    added++;
  }
  // A disk that takes none is no reason not to train: the next start reads them again.
  if (added > 0) await addPictureSizes(info.id, all).catch(() => undefined);
  return all;
}
