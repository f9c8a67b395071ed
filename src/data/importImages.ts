// Reads and checks the images that rows name; a row without a usable image is left out and reported.

import { sha256Hex } from '../base/bytes';
import { LorikeetError } from '../base/errors';
import type { NonEmpty } from '../base/nonEmpty';
import { imageSize } from '../image/header';
import type { ProblemList } from './importProblems';
import { matchImages, usedBy } from './matchImages';
import type { FileRow } from './rowsFile';
import type { Bytes, SourceFile } from './sourceFile';
import { readAll } from './sourceFile';

export interface ImageOptions {
  /** Paths of what else was dropped: a row's picture is looked for by the folders that the drop has. */
  others: readonly string[];
  /** Decodes an image or the like, once per content; what it throws makes the image unusable. */
  inspectImage?: (bytes: Bytes, hash: string) => Promise<void>;
  onProgress: (done: number, total: number) => void;
}

export interface RowWithImage {
  row: FileRow;
  /** sha256 hex of the image file's bytes. */
  image: string;
}

const MAX_FILE_BYTES = 64 * 2 ** 20;
/** All images are in memory until they are stored. */
const MAX_TOTAL_BYTES = 2 ** 30;

/** Bytes and hash of one image. Errors: those of reading, of the header check and of `inspect`. */
async function loadOne(source: SourceFile): Promise<{ bytes: Bytes; hash: string }> {
  const bytes = await readAll(source, MAX_FILE_BYTES);
  const { width, height } = imageSize(bytes);
  if (Math.max(width, height) > 200 * Math.min(width, height)) {
    const message = `picture of ${width} x ${height}: one side is more than 200 times the other`;
    throw new LorikeetError('image.aspectRatio', message, 'Crop or pad the picture.');
  }
  return { bytes, hash: await sha256Hex(bytes) };
}

function reportUnused(images: SourceFile[], used: Map<string, FileRow[]>, problems: ProblemList): void {
  const unused = images.filter(({ path }) => !used.has(path));
  const [first] = unused;
  if (!first) return;
  const what = unused.length === 1 ? '1 image is named by no row' : `${unused.length} images are named by no row`;
  problems.add({ level: 'warning', code: 'image.unused', file: first.path, message: `${what}; left out` });
}

function reportBroken(path: string, rows: NonEmpty<FileRow>, error: unknown, problems: ProblemList): void {
  if (!(error instanceof LorikeetError)) throw error;
  const { file, line } = rows[0];
  const hint = error.hint ? `. ${error.hint}` : '';
  const message = `${error.message} (first used in ${file}, line ${line}; ${usedBy(rows)})${hint}`;
  problems.add({ level: 'error', code: error.code, file: path, message });
}

/**
 * Matches rows to images and reads those that are used, each content once.
 * @param images every image file of the drop
 * @returns the rows that have a usable image, in their order, and the images' bytes by hash
 * @throws import.tooLarge when the images together do not fit in memory
 */
export async function loadImages(
  rows: FileRow[],
  images: SourceFile[],
  problems: ProblemList,
  options: ImageOptions,
): Promise<{ rows: RowWithImage[]; images: Map<string, Bytes> }> {
  const byPath = matchImages(rows, images, options.others, problems);
  const sources = new Map(images.map((source) => [source.path, source]));
  const hashOf = new Map<FileRow, string>();
  const loaded = new Map<string, Bytes>();
  let done = 0;
  let total = 0;
  for (const [path, group] of byPath) {
    try {
      const { bytes, hash } = await loadOne(sources.get(path) as SourceFile);
      if (!loaded.has(hash)) await options.inspectImage?.(bytes, hash);
      total += loaded.has(hash) ? 0 : bytes.length;
      loaded.set(hash, bytes);
      for (const row of group) hashOf.set(row, hash);
    } catch (error) {
      reportBroken(path, group, error, problems);
    }
    if (total > MAX_TOTAL_BYTES) {
      const message = `the images take more than ${MAX_TOTAL_BYTES / 2 ** 20} MB together`;
      throw new LorikeetError('import.tooLarge', message, 'Make them smaller; the model sees them resized anyway.');
    }
    options.onProgress(++done, byPath.size);
  }
  reportUnused(images, byPath, problems);
  const kept = rows.flatMap((row) => {
    const image = hashOf.get(row);
    return image === undefined ? [] : [{ row, image }];
  });
  return { rows: kept, images: loaded };
}
