// Object URLs of stored pictures, made once per picture and kept for the few hundred used last.

import { loadImage, loadThumbnail } from '../../storage/datasets';

const KEPT = 400;
const urls = new Map<string, Promise<string | null>>();

async function makeUrl(hash: string): Promise<string | null> {
  try {
    const small = await loadThumbnail(hash);
    if (small) return URL.createObjectURL(new Blob([small], { type: 'image/jpeg' }));
    return URL.createObjectURL(new Blob([await loadImage(hash)]));
  } catch {
    // The picture is not stored (another dataset was opened, or storage was cleared): its place stays empty.
    return null;
  }
}

/** The URL of a picture by its hash; null when it is not stored. */
export function thumbnailUrl(hash: string): Promise<string | null> {
  const known = urls.get(hash);
  if (known) {
    urls.delete(hash);
    urls.set(hash, known);
    return known;
  }
  const made = makeUrl(hash);
  urls.set(hash, made);
  if (urls.size > KEPT) dropOldest();
  return made;
}

function dropOldest(): void {
  const [hash, url] = urls.entries().next().value ?? [];
  if (!hash) return;
  urls.delete(hash);
  void url?.then((text) => text && URL.revokeObjectURL(text));
}
