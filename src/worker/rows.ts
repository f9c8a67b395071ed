// A stored dataset's rows as the trainer needs them: tokens, positions, picture grids. Pictures are decoded later.

import type { DatasetRow } from '../base/dataset';
import { encodeExample, encodePrompt, type EncodeContext, type Example, type ImageRef } from '../data/encode';
import type { EvalRow } from '../eval/evaluate';
import type { ImageProcessor } from '../image/processorConfig';
import type { Recipe } from '../train/config';
import type { GrpoRow } from '../train/rollout';
import { imageRefOf } from './storedImage';

export interface TrainingRows {
  sft: Example[];
  grpo: GrpoRow[];
  validation: EvalRow[];
  /** Rows that do not fit, with file, line and reason. */
  leftOut: string[];
}

/** A picture as SFT and evaluations see it, and as GRPO does. */
interface Views {
  plain: ImageRef;
  grpo: ImageRef;
}

async function viewsOf(hash: string, recipe: Recipe, processor: ImageProcessor): Promise<Views> {
  const { image_loading: loading, grpo_pre_resize } = recipe;
  const plain = await imageRefOf(hash, { loading, preResize: false }, processor);
  if (!grpo_pre_resize) return { plain, grpo: plain };
  return { plain, grpo: await imageRefOf(hash, { loading, preResize: true }, processor) };
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
  const views = new Map<string, Views>();
  const out: TrainingRows = { sft: [], grpo: [], validation: [], leftOut: [] };
  const exampleOptions = {
    ...recipe,
    max_length: recipe.sft.max_length,
    completion_only_loss: recipe.sft.completion_only_loss,
  };
  const limit = recipe.eval.rows ?? Infinity;
  for (const [i, row] of rows.entries()) {
    let found = views.get(row.image);
    if (!found) views.set(row.image, (found = await viewsOf(row.image, recipe, processor)));
    const example = encodeExample(row, [found.plain], exampleOptions, context);
    if (!example.ok) out.leftOut.push(`${row.file}:${row.line}: ${example.problem.message}`);
    const shown = { image: row.image, imageName: row.imageName, question: row.question, answer: row.answer };
    if (row.split === 'train') {
      if (example.ok) out.sft.push(example.value);
      const prompt = encodePrompt(row.question, [found.grpo], recipe, context, recipe.grpo.max_completion_length);
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
