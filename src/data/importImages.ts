// Finds, reads and checks the images that rows name; a row without a usable image is left out and reported.

import { LorikeetError } from '../base/errors';
import { imageSize } from '../image/header';
import { findFile, indexFiles, pathFault } from './importPaths';
import type { ProblemList } from './importProblems';
import type { FileRow } from './rowsFile';
import type { Bytes, SourceFile } from './sourceFile';
import { readAll } from './sourceFile';

export interface ImageOptions {
  /** Decodes an image or the like, once per content; what it throws makes the image unusable. */
  inspectImage?: (bytes: Bytes, hash: string) => Promise<void>;
  onProgress: (done: number, total: number) => void;
}

export interface RowWithImage {
  row: FileRow;
  /** sha256 hex of the image file's bytes. */
  image: string;
}

/** Rows that mean one image; at least one. */
type RowGroup = [FileRow, ...FileRow[]];

const MAX_FILE_BYTES = 64 * 2 ** 20;
/** All images are in memory until they are stored. */
const MAX_TOTAL_BYTES = 2 ** 30;
const MAX_LISTED = 20;

/** sha256 as 64 hex digits. */
export async function sha256Hex(bytes: Bytes): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Row lists by image name, in order of first use. */
function groupBy(rows: FileRow[], key: (row: FileRow) => string): Map<string, RowGroup> {
  const groups = new Map<string, RowGroup>();
  for (const row of rows) {
    const list = groups.get(key(row));
    if (list) list.push(row);
    else groups.set(key(row), [row]);
  }
  return groups;
}

function usedBy(rows: FileRow[]): string {
  return rows.length === 1 ? '1 row uses it' : `${rows.length} rows use it`;
}

function reportMissing(missing: RowGroup[], problems: ProblemList): void {
  for (const rows of missing.slice(0, MAX_LISTED)) {
    const { file, line, image } = rows[0];
    const message = `image "${image}" is not among the dropped files (${usedBy(rows)})`;
    problems.add({ level: 'error', code: 'image.missing', file, line, message });
  }
  const unlisted = missing[MAX_LISTED];
  if (!unlisted) return;
  const { file, line } = unlisted[0];
  const message = `${missing.length} images are missing in all; the first ${MAX_LISTED} are listed`;
  problems.add({ level: 'error', code: 'image.missingCount', file, line, message });
}

/** Rows by the path of the image file that they mean. */
function resolveNames(rows: FileRow[], images: SourceFile[], problems: ProblemList): Map<string, RowGroup> {
  const index = indexFiles(images.map(({ path }) => path));
  const byPath = new Map<string, RowGroup>();
  const missing: RowGroup[] = [];
  for (const group of groupBy(rows, (row) => JSON.stringify([row.file, row.image])).values()) {
    const { file, line, image } = group[0];
    const fault = pathFault(image);
    const found = fault === null ? findFile(index, image, file) : null;
    if (found === null) {
      const message = `image name "${image}" is refused: ${fault} (${usedBy(group)})`;
      problems.add({ level: 'error', code: 'image.path', file, line, message });
    } else if (found.kind === 'missing') {
      missing.push(group);
    } else if (found.kind === 'ambiguous') {
      const message = `image "${image}" may be ${found.paths.slice(0, 3).join(' or ')}; write the folder too`;
      problems.add({ level: 'error', code: 'image.ambiguous', file, line, message });
    } else {
      if (found.folded) {
        const message = `image "${image}" is taken to be ${found.path}: letter case or accents are written differently`;
        problems.add({ level: 'warning', code: 'image.spelling', file, line, message });
      }
      const earlier = byPath.get(found.path);
      byPath.set(found.path, earlier ? [...earlier, ...group] : group);
    }
  }
  reportMissing(missing, problems);
  return byPath;
}

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

function reportBroken(path: string, rows: RowGroup, error: unknown, problems: ProblemList): void {
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
  const byPath = resolveNames(rows, images, problems);
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
