// A stored dataset's rows as the trainer needs them: tokens, positions, picture grids. Pictures are decoded later.

import type { DatasetRow } from '../base/dataset';
import { encodeExample, encodePrompt, type EncodeContext, type Example, type ImageRef } from '../data/encode';
import type { EvalRow } from '../eval/evaluate';
import { imageSize } from '../image/header';
import { preResizeSize } from '../image/preResize';
import { imageGrid } from '../image/smartResize';
import type { ImageProcessor } from '../image/processorConfig';
import { loadImage } from '../storage/datasets';
import type { Recipe } from '../recipe/config';
import type { GrpoRow } from '../train/rolloutTypes';

/** Marks the recipe's pre-resized view of a picture in feature keys. */
export const PRE_RESIZED = ':pre';

export interface TrainingRows {
  sft: Example[];
  grpo: GrpoRow[];
  validation: EvalRow[];
  /** Rows that do not fit, with file, line and reason. */
  leftOut: string[];
}

interface Grids {
  plain: ImageRef;
  preResized: ImageRef;
}

/** Grid of a picture as it is and after the pre-resize, read from the file's header alone. */
async function gridsOf(hash: string, processor: ImageProcessor, preResize: boolean): Promise<Grids> {
  const { width, height } = imageSize(await loadImage(hash));
  const plain: ImageRef = { hash, grid: imageGrid(width, height, processor) };
  if (!preResize) return { plain, preResized: plain };
  const once = preResizeSize(width, height);
  const twice = preResizeSize(once.width, once.height);
  return { plain, preResized: { hash: hash + PRE_RESIZED, grid: imageGrid(twice.width, twice.height, processor) } };
}

/**
 * Encodes all rows of a dataset.
 * @throws storage.missing for a picture that is gone; errors of encodeExample and encodePrompt
 */
export async function encodeRows(
  rows: readonly DatasetRow[],
  recipe: Recipe,
  context: EncodeContext,
  processor: ImageProcessor,
  onProgress: (done: number, total: number) => void,
): Promise<TrainingRows> {
  const grids = new Map<string, Grids>();
  const out: TrainingRows = { sft: [], grpo: [], validation: [], leftOut: [] };
  const exampleOptions = {
    ...recipe,
    max_length: recipe.sft.max_length,
    completion_only_loss: recipe.sft.completion_only_loss,
  };
  const limit = recipe.eval.rows ?? Infinity;
  for (const [i, row] of rows.entries()) {
    let found = grids.get(row.image);
    if (!found) grids.set(row.image, (found = await gridsOf(row.image, processor, recipe.grpo_pre_resize)));
    const example = encodeExample(row, [found.plain], exampleOptions, context);
    if (!example.ok) out.leftOut.push(`${row.file}:${row.line}: ${example.problem.message}`);
    const shown = { image: row.image, imageName: row.imageName, question: row.question, answer: row.answer };
    if (row.split === 'train') {
      if (example.ok) out.sft.push(example.value);
      const view = recipe.grpo_pre_resize ? found.preResized : found.plain;
      const prompt = encodePrompt(row.question, [view], recipe, context, recipe.grpo.max_completion_length);
      if (prompt.ok) out.grpo.push({ ...shown, thought: row.thought, prompt: prompt.value });
      else if (example.ok) out.leftOut.push(`${row.file}:${row.line}: ${prompt.problem.message}`);
    } else if (out.validation.length < limit) {
      const prompt = encodePrompt(row.question, [found.plain], recipe, context, recipe.grpo.max_completion_length);
      if (prompt.ok) {
        out.validation.push({
          ...shown,
          thought: row.thought,
          prompt: prompt.value,
          example: example.ok ? example.value : null,
        });
      }
    }
    if (i % 50 === 49 || i === rows.length - 1) onProgress(i + 1, rows.length);
  }
  if (recipe.sft.rows !== null) out.sft = out.sft.slice(0, recipe.sft.rows);
  return out;
}
