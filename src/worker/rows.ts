// A stored dataset's rows as the trainer needs them: tokens, positions, picture grids. Pictures are decoded later.

import type { DatasetRow } from '../base/dataset';
import { LorikeetError } from '../base/errors';
import {
  encodeExample,
  encodePrompt,
  type EncodeContext,
  type Encoded,
  type Example,
  type ImageRef,
} from '../data/encode';
import type { EvalRow } from '../eval/evaluate';
import { imageSize } from '../image/header';
import { preResizeSize } from '../image/preResize';
import { imageGrid, gridTokenCount } from '../image/smartResize';
import type { ImageProcessor } from '../image/processorConfig';
import { loadImage } from '../storage/datasets';
import type { Recipe } from '../recipe/config';
import type { GrpoRow } from '../train/rolloutTypes';
import type { Misfit } from './rowFit';

/** Marks the recipe's pre-resized view of a picture in feature keys. */
export const PRE_RESIZED = ':pre';

export interface TrainingRows {
  sft: Example[];
  grpo: GrpoRow[];
  validation: EvalRow[];
  /** Rows that do not fit, with file, line and reason. */
  leftOut: string[];
  /** The row with the fewest tokens among those that do not fit. */
  nearest: Misfit | null;
}

interface Grids {
  plain: ImageRef;
  /** null: too thin for the pre-resize. */
  preResized: ImageRef | null;
  /** Why there is none. */
  tooThin: string;
}

/** Grid of a picture as it is and after the pre-resize, read from the file's header alone. */
async function gridsOf(hash: string, processor: ImageProcessor, preResize: boolean): Promise<Grids> {
  const { width, height } = imageSize(await loadImage(hash));
  const plain: ImageRef = { hash, grid: imageGrid(width, height, processor) };
  if (!preResize) return { plain, preResized: plain, tooThin: '' };
  try {
    const once = preResizeSize(width, height);
    const twice = preResizeSize(once.width, once.height);
    const grid = imageGrid(twice.width, twice.height, processor);
    return { plain, preResized: { hash: hash + PRE_RESIZED, grid }, tooThin: '' };
  } catch (error) {
    if (!(error instanceof LorikeetError) || error.code !== 'image.aspectRatio') throw error;
    return { plain, preResized: null, tooThin: `${error.message}; left out of GRPO, where grpo_pre_resize applies` };
  }
}

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
  const train = (row: DatasetRow, example: Encoded<Example>, { plain, preResized, tooThin }: Grids): void => {
    if (example.ok) out.sft.push(example.value);
    const view = recipe.grpo_pre_resize ? preResized : plain;
    const encoded = view && prompt(row, view);
    if (encoded?.ok) out.grpo.push({ ...shownOf(row), prompt: encoded.value });
    // A row that does not fit SFT either has been named.
    else if (example.ok) leaveOut(row, encoded ? encoded.problem.message : tooThin);
  };
  const validate = (row: DatasetRow, example: Encoded<Example>, { plain }: Grids): void => {
    if (out.validation.length >= limit) return;
    const encoded = prompt(row, plain);
    if (!encoded.ok) return;
    out.validation.push({ ...shownOf(row), prompt: encoded.value, example: example.ok ? example.value : null });
  };
  return (row: DatasetRow, grids: Grids): void => {
    const example = encodeExample(row, [grids.plain], exampleOptions, context);
    if (!example.ok) {
      const { tokens, limit: passed, limitedBy, message } = example.problem;
      leaveOut(row, message);
      if (tokens < (out.nearest?.tokens ?? Infinity)) {
        out.nearest = { tokens, pictureTokens: pictureTokens(grids.plain, context), limit: passed, limitedBy };
      }
    }
    (row.split === 'train' ? train : validate)(row, example, grids);
  };
}

/** What evaluations and rewards show of a row. */
function shownOf({ image, imageName, question, thought, answer }: DatasetRow) {
  return { image, imageName, question, thought, answer };
}

/**
 * Encodes all rows of a dataset.
 * @throws storage.missing for a picture that is gone; errors of encodeExample and encodePrompt, with file and line
 */
export async function encodeRows(
  rows: readonly DatasetRow[],
  recipe: Recipe,
  context: EncodeContext,
  processor: ImageProcessor,
  onProgress: (done: number, total: number) => void,
): Promise<TrainingRows> {
  const grids = new Map<string, Grids>();
  const out: TrainingRows = { sft: [], grpo: [], validation: [], leftOut: [], nearest: null };
  const sort = createSorter(recipe, context, out);
  for (const [i, row] of rows.entries()) {
    let found = grids.get(row.image);
    if (!found) grids.set(row.image, (found = await gridsOf(row.image, processor, recipe.grpo_pre_resize)));
    const known = found;
    atRow(row, () => sort(row, known));
    if (i % 50 === 49 || i === rows.length - 1) onProgress(i + 1, rows.length);
  }
  if (recipe.sft.rows !== null) out.sft = out.sft.slice(0, recipe.sft.rows);
  return out;
}
