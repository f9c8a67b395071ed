// Object URLs of stored pictures, made once per picture and kept for the few hundred used last.

import type { ImageLoading } from '../../base/imageLoading';
import { loadThumbnail } from '../../storage/datasets';

const KEPT = 400;
const urls = new Map<string, Promise<string | null>>();

async function makeUrl(hash: string, loading: ImageLoading): Promise<string | null> {
  try {
    // Never the file itself: the browser would turn it and blend it by rules of its own.
    const small = await loadThumbnail(hash, loading);
    return small && URL.createObjectURL(new Blob([small], { type: 'image/jpeg' }));
  } catch {
    // The picture is not stored (another dataset was opened, or storage was cleared): its place stays empty.
    return null;
  }
}

/** The URL of a picture by its hash, loaded as the model sees it; null when it is not stored. */
export function thumbnailUrl(hash: string, loading: ImageLoading): Promise<string | null> {
  const key = `${loading} ${hash}`;
  const known = urls.get(key);
  if (known) {
    urls.delete(key);
    urls.set(key, known);
    return known;
  }
  const made = makeUrl(hash, loading);
  urls.set(key, made);
  if (urls.size > KEPT) dropOldest();
  return made;
}

function dropOldest(): void {
  const [key, url] = urls.entries().next().value ?? [];
  if (!key) return;
  urls.delete(key);
  void url?.then((text) => text && URL.revokeObjectURL(text));
}
