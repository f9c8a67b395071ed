// Small picture files with the pixels that today's libraries and MMHERC make of them. Written by
// tools/reference/image_view_cases.py; for tests.

import type { ImageLoading } from '../base/imageLoading';
import cases from './viewCases.json';
import type { RgbImage } from './rgbImage';

export interface ViewCase extends Record<ImageLoading, RgbImage> {
  name: string;
  file: Uint8Array<ArrayBuffer>;
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

function imageOf({ width, height, rgb }: { width: number; height: number; rgb: string }): RgbImage {
  return { width, height, data: bytesOf(rgb) };
}

export const VIEW_CASES: ViewCase[] = cases.cases.map(({ name, file, library, recipe }) => ({
  name,
  file: bytesOf(file),
  library: imageOf(library),
  recipe: imageOf(recipe),
}));

/** The case of that name. */
export function viewCase(name: string): ViewCase {
  const found = VIEW_CASES.find((candidate) => candidate.name === name);
  if (!found) throw new Error(`viewCases.json has no case ${name}`);
  return found;
}
