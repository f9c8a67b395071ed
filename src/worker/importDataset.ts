// One import from files to a stored dataset: rows and images, thumbnails, token counts, storage.

import type { DatasetInfo, DatasetRow, ImportProblem, InputFile, Thumbnails, TokenStats } from '../base/dataset';
import type { ErrorRecord } from '../base/errors';
import { LorikeetError, toErrorRecord } from '../base/errors';
import { datasetId, importFiles } from '../data/import';
import type { ImportOptions } from '../data/import';
import type { DataMessage, ModelChoice } from '../protocol/messages';
import { deleteDataset, listDatasets, saveDataset } from '../storage/datasets';
import type { Recipe } from '../recipe/config';
import { sourceOf } from './chosenModel';
import { countTokens } from './datasetTokens';
import { loadTextModel } from './textModel';
import { makeThumbnails, type SmallPicture } from './thumbnail';

export type ImportStep = Extract<DataMessage, { type: 'progress' }>['step'];
/** Called between all units of work; what it throws ends the import, and nothing is stored. */
export type ReportStep = (step: ImportStep, done: number, total: number) => void;

export interface ImportJob {
  files: InputFile[];
  options: Pick<ImportOptions, 'name' | 'unread' | 'validationRatio' | 'seed'>;
  recipe: Recipe;
  /** Counts the tokens; null: nothing is counted. */
  model: ModelChoice | null;
  /** Aborted when the user no longer wants the data. */
  signal: AbortSignal;
}

interface Counts {
  promptTokens: TokenStats | null;
  targetTokens: TokenStats | null;
  problems: ImportProblem[];
}

interface Counted {
  /** With their counts where there are any. */
  rows: DatasetRow[];
  counts: Counts;
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

async function tokens(
  job: ImportJob,
  rows: DatasetRow[],
  images: Map<string, Uint8Array>,
  report: ReportStep,
): Promise<Counted> {
  report('tokens', 0, rows.length);
  if (!job.model) return { rows, counts: { promptTokens: null, targetTokens: null, problems: [] } };
  try {
    const model = await loadTextModel(await sourceOf(job.model));
    const onRow = (done: number): void => report('tokens', done, rows.length);
    const counted = await countTokens(rows, images, job.recipe, model, onRow);
    const { prompt, target, problems } = counted;
    return { rows: counted.rows, counts: { promptTokens: prompt, targetTokens: target, problems } };
  } catch (error) {
    job.signal.throwIfAborted();
    // The data is fine; what is wrong with the model's files is shown when the model is loaded.
    const { code, message } = toErrorRecord(error);
    const text = `tokens are not counted: ${message}`;
    const problem: ImportProblem = { level: 'warning', code, file: job.options.name, message: text };
    return { rows, counts: { promptTokens: null, targetTokens: null, problems: [problem] } };
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

/** Stores the dataset; when it is no longer wanted after all, as if it had never been. */
async function store(
  { signal }: ImportJob,
  info: DatasetInfo,
  rows: DatasetRow[],
  images: Map<string, Uint8Array>,
  thumbnails: Map<string, Thumbnails>,
  report: ReportStep,
): Promise<boolean> {
  const known = (await listDatasets()).some(({ id }) => id === info.id);
  await saveDataset(info, rows, images, thumbnails, (done) => report('save', done, images.size));
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
  const { rows, counts } = await tokens(job, read, images, report);
  const all = [...problems, ...counts.problems];
  const info = { ...describe(name, await datasetId(rows), rows, images, pictures), ...counts, problems: all };
  const thumbnails = new Map([...pictures].map(([hash, picture]) => [hash, picture.thumbnails] as const));
  try {
    return { ok: true, info, added: await store(job, info, rows, images, thumbnails, report) };
  } catch (error) {
    job.signal.throwIfAborted();
    return { ok: false, error: toErrorRecord(error), problems: all };
  }
}
