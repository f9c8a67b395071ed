// From dropped files to checked rows and images. Stores nothing; the caller decides what becomes of the problems.

import { sha256Hex } from '../base/bytes';
import type { DatasetRow, ImportProblem, InputFile } from '../base/dataset';
import { loadImages } from './importImages';
import { check } from '../base/errors';
import type { RowWithImage } from './importImages';
import type { ProblemList } from './importProblems';
import { createProblemList } from './importProblems';
import { splitRows } from './importSplit';
import { readFiles } from './readFiles';
import type { FileRow } from './rowsFile';
import { readRowsFile } from './rowsFile';
import type { Bytes, SourceFile } from './sourceFile';
import { onEachChunk } from './sourceFile';

export interface ImportOptions {
  /** What was dropped, for messages about the whole. */
  name: string;
  /** Paths that the browser names but does not let the page read. */
  unread?: readonly string[];
  /** Share of rows for validation when no file name tells, 0 to below 1. */
  validationRatio: number;
  seed: number;
  /** Called once per image content, for instance to decode it; what it throws makes the image unusable. */
  inspectImage?: (bytes: Bytes, hash: string) => Promise<void>;
}

export interface ImportResult {
  rows: DatasetRow[];
  /** File bytes by sha256 hex: those that `rows` use. */
  images: Map<string, Bytes>;
  problems: ImportProblem[];
}

/**
 * `read` counts files of rows, `images` counts images. It is called often, several times for the same count, from
 * between two awaits: what it throws ends the import.
 */
export type ImportProgress = (step: 'read' | 'images', done: number, total: number) => void;

async function readAllRows(
  sources: SourceFile[],
  others: string[],
  name: string,
  problems: ProblemList,
  onProgress: ImportProgress,
): Promise<FileRow[]> {
  if (sources.length === 0) {
    const seen = others.length > 0 ? `; found ${others.slice(0, 5).join(', ')}` : '';
    const message = `no .jsonl file with rows was dropped${seen}`;
    problems.add({ level: 'error', code: 'import.noRowFile', file: name, message });
  }
  const rows: FileRow[] = [];
  for (const [i, source] of sources.entries()) {
    const watched = onEachChunk(source, () => onProgress('read', i, sources.length));
    for (const row of await readRowsFile(watched, problems)) rows.push(row);
  }
  onProgress('read', sources.length, sources.length);
  return rows;
}

/** Rows are told apart by image content and texts, not by where they stand. */
function contentKey(row: DatasetRow): string {
  return JSON.stringify([row.image, row.question, row.thought, row.answer]);
}

function reportDuplicates(rows: DatasetRow[], problems: ProblemList): void {
  const first = new Map<string, DatasetRow>();
  for (const row of rows) {
    const key = contentKey(row);
    const same = first.get(key);
    if (!same) {
      first.set(key, row);
      continue;
    }
    const { file, line } = row;
    const leak = same.split === row.split ? '' : '; one is for training, the other for validation';
    const message = `the row is the same as line ${same.line} of ${same.file}${leak}`;
    problems.add({ level: 'warning', code: leak ? 'row.leak' : 'row.duplicate', file, line, message });
  }
}

function finishRows(
  kept: RowWithImage[],
  read: FileRow[],
  options: ImportOptions,
  problems: ProblemList,
): DatasetRow[] {
  const files = [...new Set(read.map(({ file }) => file))];
  const splits = splitRows(kept, files, options.validationRatio, options.seed);
  const rows = kept.map(({ row, image }, i): DatasetRow => {
    const { question, thought, answer, file, line } = row;
    return { image, imageName: row.image, question, thought, answer, split: splits[i]!, file, line };
  });
  reportDuplicates(rows, problems);
  const [first] = rows;
  if (first && !splits.includes('val')) {
    const message = 'there are no validation rows: before and after cannot be compared';
    problems.add({ level: 'warning', code: 'split.noValidation', file: first.file, message });
  }
  return rows;
}

function unreadText(unread: readonly string[], before = ''): string {
  if (unread.length === 0) return '';
  const what = unread.length === 1 ? '1 entry' : `${unread.length} entries`;
  const named = unread.slice(0, 3).join(', ') + (unread.length > 3 ? ', ...' : '');
  return `${before}${what} could not be read and may be links: ${named}`;
}

/**
 * Reads dropped files: rows of `.jsonl` files (or JSON lists), each with its image from the same drop; zips are opened.
 * Rows that cannot be used are left out and reported with file and line; the others stay usable. With no usable row
 * the result has none, and `problems` say why.
 * @throws import.noFiles when there is nothing to read; import.tooLarge when the images together exceed 1 GB
 */
export async function importFiles(
  files: InputFile[],
  options: ImportOptions,
  onProgress: ImportProgress,
): Promise<ImportResult> {
  const hint = 'Give a .jsonl file together with its images. Browsers pass over links without a word.';
  const { name, unread = [] } = options;
  check(files.length > 0, 'import.noFiles', `no files in ${name}${unreadText(unread, '; ')}`, hint);
  const problems = createProblemList();
  if (unread.length > 0) problems.add({ level: 'error', code: 'file.unread', file: name, message: unreadText(unread) });
  const sorted = await readFiles(files, problems);
  const read = await readAllRows(sorted.rows, sorted.others, name, problems, onProgress);
  const { rows: kept, images } = await loadImages(read, sorted.images, problems, {
    // What could not be read may be a folder of pictures.
    others: [...sorted.rows.map(({ path }) => path), ...sorted.others, ...unread.map((path) => `${path}/`)],
    inspectImage: options.inspectImage,
    onProgress: (done, total) => onProgress('images', done, total),
  });
  return { rows: finishRows(kept, read, options, problems), images, problems: problems.all() };
}

/**
 * Id of a dataset: the first 16 hex digits of a hash over its rows and their images' hashes. The same data dropped
 * under other file names has the same id.
 */
export async function datasetId(rows: DatasetRow[]): Promise<string> {
  const text = rows.map((row) => `${row.split} ${contentKey(row)}\n`).join('');
  return (await sha256Hex(new TextEncoder().encode(text))).slice(0, 16);
}
