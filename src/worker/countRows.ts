// The token counts of a dataset's rows, or why there are none: the data itself is fine either way.

import type { DatasetRow, ImportProblem, PictureSize, TokenStats } from '../base/dataset';
import { toErrorRecord } from '../base/errors';
import type { DataMessage, ModelChoice } from '../protocol/messages';
import type { Recipe } from '../recipe/config';
import { sourceOf } from './chosenModel';
import { countTokens, NOT_COUNTED } from './datasetTokens';
import { loadTextModel } from './textModel';

export type ImportStep = Extract<DataMessage, { type: 'progress' }>['step'];
/** Called between all units of work; what it throws ends the import, and nothing is stored. */
export type ReportStep = (step: ImportStep, done: number, total: number) => void;

export interface Counts {
  promptTokens: TokenStats | null;
  targetTokens: TokenStats | null;
  problems: ImportProblem[];
}

interface Counted {
  /** With their counts where there are any. */
  rows: DatasetRow[];
  counts: Counts;
}

/** What counting needs to know of the work that asks for it. */
interface CountJob {
  /** The data's, for problems. */
  name: string;
  recipe: Recipe;
  /** null: nothing is counted. */
  model: ModelChoice | null;
  signal: AbortSignal;
}

/**
 * Counts the rows' tokens. What is wrong with the model's files becomes a warning of the data.
 * @param rows at least one @param sizes of their pictures, by hash @throws the signal's reason, what `report` throws
 */
export async function countRows(
  job: CountJob,
  rows: DatasetRow[],
  sizes: ReadonlyMap<string, PictureSize>,
  report: ReportStep,
): Promise<Counted> {
  report('tokens', 0, rows.length);
  if (!job.model) return { rows, counts: { promptTokens: null, targetTokens: null, problems: [] } };
  try {
    const model = await loadTextModel(await sourceOf(job.model));
    const onRow = (done: number): void => report('tokens', done, rows.length);
    const counted = await countTokens(rows, sizes, job.recipe, model, onRow);
    const { prompt, target, problems } = counted;
    return { rows: counted.rows, counts: { promptTokens: prompt, targetTokens: target, problems } };
  } catch (error) {
    job.signal.throwIfAborted();
    // The data is fine; what is wrong with the model's files is shown when the model is loaded.
    const text = `tokens are not counted: ${toErrorRecord(error).message}`;
    const problem: ImportProblem = { level: 'warning', code: NOT_COUNTED, file: job.name, message: text };
    return { rows, counts: { promptTokens: null, targetTokens: null, problems: [problem] } };
  }
}
