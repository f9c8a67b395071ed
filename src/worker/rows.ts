// A stored dataset's rows as the trainer needs them: tokens, positions, picture grids. Pictures are decoded later.

import type { DatasetRow, PictureSize } from '../base/dataset';
import { LorikeetError } from '../base/errors';
import {
  encodeExample,
  encodePrompt,
  type EncodeContext,
  type Encoded,
  type Example,
  type ImageRef,
  type Prompt,
} from '../data/encode';
import type { EvalRow } from '../eval/evaluate';
import { gridTokenCount } from '../image/smartResize';
import type { ImageProcessor } from '../image/processorConfig';
import type { Recipe } from '../recipe/config';
import { imageMissing } from '../storage/datasets';
import type { GrpoRow } from '../train/rolloutTypes';
import { createBreath } from './breath';
import type { Misfit } from './misfit';
import { viewsOf, type Views } from './storedImage';

export interface TrainingRows {
  sft: Example[];
  grpo: GrpoRow[];
  validation: EvalRow[];
  /** Rows that do not fit, with file, line and reason. */
  leftOut: string[];
  /** The training row with the fewest tokens among those that do not fit SFT. */
  nearest: Misfit | null;
  /** Training rows that do not fit SFT. */
  misfits: Misfit[];
}

/** All that is encoded of the rows: SFT's examples, then the prompts of GRPO and of validation. */
export function encodedOf({ sft, grpo, validation }: TrainingRows): Prompt[] {
  return [...sft, ...grpo.map(({ prompt }) => prompt), ...validation.map(({ prompt }) => prompt)];
}

const OUT_OF_GRPO = 'left out of GRPO, where grpo_pre_resize applies';

/** Tokens of a picture in the prompt. */
function pictureTokens({ grid }: ImageRef, { model }: EncodeContext): number {
  return gridTokenCount(grid, model.spatialMergeSize);
}

/** Adds file and line to what is wrong with a row. */
function atRow<T>({ file, line }: DatasetRow, part: () => T): T {
  try {
    return part();
  } catch (error) {
    if (!(error instanceof LorikeetError)) throw error;
    throw new LorikeetError(error.code, `${file}:${line}: ${error.message}`, error.hint);
  }
}

/** Sorts one row after the other into the parts of a run. */
function createSorter(recipe: Recipe, context: EncodeContext, out: TrainingRows) {
  const { max_length, completion_only_loss } = recipe.sft;
  const exampleOptions = { ...recipe, max_length, completion_only_loss };
  const limit = recipe.eval.rows ?? Infinity;
  const prompt = (row: DatasetRow, view: ImageRef) =>
    encodePrompt(row.question, [view], recipe, context, recipe.grpo.max_completion_length);
  const leaveOut = ({ file, line }: DatasetRow, reason: string): void => {
    out.leftOut.push(`${file}:${line}: ${reason}`);
  };
  const train = (row: DatasetRow, example: Encoded<Example>, { plain, grpo, tooThin }: Views): void => {
    if (example.ok) out.sft.push(example.value);
    else {
      const { tokens, limit: passed, limitedBy } = example.problem;
      const misfit = { tokens, pictureTokens: pictureTokens(plain, context), limit: passed, limitedBy };
      out.misfits.push(misfit);
      if (tokens < (out.nearest?.tokens ?? Infinity)) out.nearest = misfit;
    }
    const encoded = grpo && prompt(row, grpo);
    if (encoded?.ok) out.grpo.push({ ...shownOf(row), prompt: encoded.value });
    // A row that does not fit SFT either has been named.
    else if (example.ok) leaveOut(row, encoded ? encoded.problem.message : `${tooThin}; ${OUT_OF_GRPO}`);
  };
  const validate = (row: DatasetRow, example: Encoded<Example>, { plain }: Views): void => {
    if (out.validation.length >= limit) return;
    const encoded = prompt(row, plain);
    if (encoded.ok) {
      out.validation.push({ ...shownOf(row), prompt: encoded.value, example: example.ok ? example.value : null });
    } else if (example.ok) leaveOut(row, encoded.problem.message);
  };
  return (row: DatasetRow, views: Views): void => {
    const example = encodeExample(row, [views.plain], exampleOptions, context);
    if (!example.ok) leaveOut(row, example.problem.message);
    (row.split === 'train' ? train : validate)(row, example, views);
  };
}

/** What evaluations and rewards show of a row. */
function shownOf({ image, imageName, question, thought, answer }: DatasetRow) {
  return { image, imageName, question, thought, answer };
}

/** What is known of the pictures of a dataset's rows, without the pictures. */
export interface PictureFacts {
  /** By hash. */
  sizes: ReadonlyMap<string, PictureSize>;
  /** With the recipe's limits. */
  processor: ImageProcessor;
}

/**
 * Encodes all rows of a dataset; reads no picture.
 * @throws image.*; errors of encodeExample and encodePrompt, with file and line
 */
export async function encodeRows(
  rows: readonly DatasetRow[],
  recipe: Recipe,
  context: EncodeContext,
  { sizes, processor }: PictureFacts,
  onProgress: (done: number, total: number) => void,
): Promise<TrainingRows> {
  const views = new Map<string, Views>();
  const out: TrainingRows = { sft: [], grpo: [], validation: [], leftOut: [], nearest: null, misfits: [] };
  const breathe = createBreath();
  const sort = createSorter(recipe, context, out);
  for (const [i, row] of rows.entries()) {
    let found = views.get(row.image);
    if (!found) {
      const size = sizes.get(row.image);
      if (!size) throw imageMissing(row.image);
      views.set(row.image, (found = viewsOf({ hash: row.image, size }, recipe, processor)));
    }
    const known = found;
    atRow(row, () => sort(row, known));
    if (i % 50 === 49 || i === rows.length - 1) onProgress(i + 1, rows.length);
    await breathe();
  }
  if (recipe.sft.rows !== null) out.sft = out.sft.slice(0, recipe.sft.rows);
  return out;
}
