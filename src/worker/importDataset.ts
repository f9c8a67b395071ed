// One import from files to a stored dataset: rows and images, thumbnails, token counts, storage.

import type { DatasetInfo, DatasetRow, ImportProblem, InputFile, PictureSize, Thumbnails } from '../base/dataset';
import type { ErrorRecord } from '../base/errors';
import { LorikeetError, toErrorRecord } from '../base/errors';
import { datasetId, importFiles } from '../data/import';
import type { ImportOptions } from '../data/import';
import type { ModelChoice } from '../protocol/messages';
import { deleteDataset, listDatasets, saveDataset } from '../storage/datasets';
import type { Recipe } from '../recipe/config';
import { countRows, type Counts, type ReportStep } from './countRows';
import { makeThumbnails, type SmallPicture } from './thumbnail';

export interface ImportJob {
  files: InputFile[];
  options: Pick<ImportOptions, 'name' | 'unread' | 'validationRatio' | 'seed'>;
  recipe: Recipe;
  /** Counts the tokens; null: nothing is counted. */
  model: ModelChoice | null;
  /** Aborted when the user no longer wants the data. */
  signal: AbortSignal;
}

export type ImportOutcome =
  /** `added`: it was not stored before. */
  | { ok: true; info: DatasetInfo; added: boolean }
  /** `problems` are what was found until it failed. */
  | { ok: false; error: ErrorRecord; problems: ImportProblem[] };

/** Thumbnails are made while images are read: what the decoder refuses is reported with its rows. */
async function inspect(bytes: Uint8Array, hash: string, pictures: Map<string, SmallPicture>): Promise<void> {
  try {
    pictures.set(hash, await makeThumbnails(bytes));
  } catch (error) {
    if (error instanceof LorikeetError) throw error;
    throw new LorikeetError('image.decode', `the picture cannot be decoded: ${toErrorRecord(error).message}`);
  }
}

function describe(
  name: string,
  id: string,
  rows: DatasetRow[],
  images: Map<string, Uint8Array>,
  pictures: Map<string, SmallPicture>,
): Omit<DatasetInfo, keyof Counts> {
  const trainRows = rows.filter((row) => row.split === 'train').length;
  let bytes = 0;
  for (const image of images.values()) bytes += image.byteLength;
  const small = [...pictures.values()];
  return {
    id,
    name,
    createdAt: Date.now(),
    trainRows,
    valRows: rows.length - trainRows,
    images: images.size,
    bytes,
    turnedImages: small.filter(({ turned }) => turned).length,
    transparentImages: small.filter(({ transparent }) => transparent).length,
  };
}

function noRows(name: string, problems: ImportProblem[]): ErrorRecord {
  const first = problems.find(({ level }) => level === 'error');
  const where = first?.line === undefined ? first?.file : `${first.file}, line ${first.line}`;
  const hint = first ? `First problem: ${where}: ${first.message}.` : 'Drop a .jsonl file together with its images.';
  return { code: 'import.noRows', message: `"${name}" holds no usable row`, hint };
}

/** What is stored beside the rows, by the pictures' hashes. */
interface Pictures {
  images: Map<string, Uint8Array>;
  thumbnails: Map<string, Thumbnails>;
  sizes: Map<string, PictureSize>;
}

/** Stores the dataset; when it is no longer wanted after all, as if it had never been. */
async function store(
  { signal }: ImportJob,
  info: DatasetInfo,
  rows: DatasetRow[],
  { images, thumbnails, sizes }: Pictures,
  report: ReportStep,
): Promise<boolean> {
  const known = (await listDatasets()).some(({ id }) => id === info.id);
  await saveDataset(info, rows, images, thumbnails, (done) => report('save', done, images.size), sizes);
  if (signal.aborted && !known) await deleteDataset(info.id);
  signal.throwIfAborted();
  return !known;
}

/**
 * Imports and stores a dataset; nothing stored changes unless it succeeds.
 * @returns import.noRows, storage.quota and the like as an outcome, with the problems found
 * @throws import.noFiles, import.tooLarge, the signal's reason
 */
export async function importDataset(job: ImportJob, report: ReportStep): Promise<ImportOutcome> {
  const pictures = new Map<string, SmallPicture>();
  const inspectImage = (bytes: Uint8Array, hash: string): Promise<void> => inspect(bytes, hash, pictures);
  const { rows: read, images, problems } = await importFiles(job.files, { ...job.options, inspectImage }, report);
  const { name } = job.options;
  if (read.length === 0) return { ok: false, error: noRows(name, problems), problems };
  const sizes = new Map([...pictures].map(([hash, { size }]) => [hash, size] as const));
  const { rows, counts } = await countRows({ ...job, name }, read, sizes, report);
  const all = [...problems, ...counts.problems];
  const info = { ...describe(name, await datasetId(rows), rows, images, pictures), ...counts, problems: all };
  const thumbnails = new Map([...pictures].map(([hash, picture]) => [hash, picture.thumbnails] as const));
  try {
    return { ok: true, info, added: await store(job, info, rows, { images, thumbnails, sizes }, report) };
  } catch (error) {
    job.signal.throwIfAborted();
    return { ok: false, error: toErrorRecord(error), problems: all };
  }
}
