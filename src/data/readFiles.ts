// From what was dropped to readable files, sorted by use: zips opened, clutter and unsafe paths left out.

import type { InputFile } from '../base/dataset';
import { isClutterName } from '../base/clutter';
import { LorikeetError } from '../base/errors';
import { baseName, pathFault } from './importPaths';
import type { ProblemList } from './importProblems';
import { entryFault, zipSource } from './importZip';
import type { SourceFile } from './sourceFile';
import { blobSource, readHead } from './sourceFile';
import { readZipDirectory } from './zipDirectory';

export interface ImportLimits {
  /** Files in all zips together. */
  zipEntries: number;
  /** Declared bytes of all files in zips together; a file that outgrows its declaration is stopped while inflating. */
  zipBytes: number;
}

export const IMPORT_LIMITS: ImportLimits = { zipEntries: 60_000, zipBytes: 4 * 2 ** 30 };

export interface SortedFiles {
  /** Files of rows. */
  rows: SourceFile[];
  images: SourceFile[];
  /** Paths of files that are neither. */
  others: string[];
}

const IMAGE = /\.(png|jpe?g|jfif|webp|gif|bmp|tiff?|avif|heic|heif|svg)$/i;
const LINES = /\.(jsonl|ndjson)$/i;
const JSON_FILE = /\.json$/i;
/** Enough to see how a file begins. */
const HEAD_BYTES = 256;
const ZIP = /\.zip$/i;

/** What macOS, Windows and version control leave in folders. */
function isClutter(path: string): boolean {
  return path.split('/').some(isClutterName);
}

async function openZip(zip: InputFile, budget: ImportLimits, problems: ProblemList): Promise<SourceFile[]> {
  const entries = await readZipDirectory(zip.file, budget.zipEntries);
  budget.zipEntries -= entries.length;
  budget.zipBytes -= entries.reduce((sum, entry) => sum + entry.bytes, 0);
  if (budget.zipBytes < 0) {
    throw new LorikeetError(
      'zip.tooLarge',
      'the zip would unpack to more than is accepted',
      'Drop the folder instead.',
    );
  }
  return entries.flatMap((entry) => {
    if (isClutter(entry.name)) return [];
    const fault = pathFault(entry.name) ?? entryFault(entry);
    if (fault === null) return [zipSource(`${zip.path}/${entry.name}`, zip.file, entry)];
    const message = `"${entry.name}" in the zip is left out: ${fault}`;
    problems.add({ level: 'error', code: 'zip.entry', file: zip.path, message });
    return [];
  });
}

async function openAll(files: InputFile[], limits: ImportLimits, problems: ProblemList): Promise<SourceFile[]> {
  const budget = { ...limits };
  const sources: SourceFile[] = [];
  for (const input of files) {
    if (isClutter(input.path)) continue;
    const fault = pathFault(input.path);
    if (fault !== null) {
      problems.add({ level: 'error', code: 'file.path', file: input.path, message: `the file is left out: ${fault}` });
    } else if (!ZIP.test(input.path)) {
      sources.push(blobSource(input.path, input.file));
    } else {
      try {
        sources.push(...(await openZip(input, budget, problems)));
      } catch (error) {
        if (!(error instanceof LorikeetError)) throw error;
        const message = error.hint ? `${error.message}. ${error.hint}` : error.message;
        problems.add({ level: 'error', code: error.code, file: input.path, message });
      }
    }
  }
  return sources;
}

function byPath(a: SourceFile, b: SourceFile): number {
  return a.path < b.path ? -1 : a.path > b.path ? 1 : 0;
}

/** Whether a `.json` file starts like a list of rows; configurations and the like are objects. */
async function startsAsList(source: SourceFile): Promise<boolean> {
  const head = await readHead(source, HEAD_BYTES).catch(() => new Uint8Array());
  return new TextDecoder().decode(head).trimStart().startsWith('[');
}

async function reportLists(jsonFiles: SourceFile[], taken: SourceFile, problems: ProblemList): Promise<void> {
  for (const source of jsonFiles) {
    if (!(await startsAsList(source))) continue;
    const message = `the file looks like a list of rows but is left out, because .jsonl files are read where there are any (${taken.path}). Take those out of the data, or write this one as .jsonl`;
    problems.add({ level: 'warning', code: 'file.ignored', file: source.path, message });
  }
}

/**
 * Opens what was dropped. The order is by path, so that it does not depend on how files were dropped. `.json` files are
 * taken for rows only when there is no `.jsonl` (configurations and the like lie beside data).
 * @param problems gets unreadable zips, refused paths and ignored lists; the other files stay usable
 */
export async function readFiles(
  files: InputFile[],
  problems: ProblemList,
  limits: ImportLimits = IMPORT_LIMITS,
): Promise<SortedFiles> {
  const sources = (await openAll(files, limits, problems)).sort(byPath);
  const jsonFiles = sources.filter(({ path }) => JSON_FILE.test(path));
  const lines = sources.filter(({ path }) => LINES.test(path));
  if (lines[0]) await reportLists(jsonFiles, lines[0], problems);
  const rows = lines.length > 0 ? lines : jsonFiles;
  const images = sources.filter(({ path }) => IMAGE.test(baseName(path)));
  const used = new Set([...rows, ...images]);
  return { rows, images, others: sources.filter((source) => !used.has(source)).map(({ path }) => path) };
}
