// Token counts of a dataset's rows and warnings for rows that do not fit. Leaves no row out.

import type { DatasetRow, ImportProblem, PictureSize, TokenStats } from '../base/dataset';
import { fillTemplate } from '../base/fillTemplate';
import { createProblemList } from '../data/importProblems';
import { withPixelLimits } from '../image/pixelLimits';
import type { ImageProcessor } from '../image/processorConfig';
import { imageTokenCount } from '../image/smartResize';
import { viewSize } from '../image/view';
import { buildPrompt, buildTarget } from '../text/prompt';
import type { Recipe } from '../recipe/config';
import { createBreath } from './breath';
import { longPictures } from './longPictures';
import type { Misfit } from './misfit';
import { noneFits } from './rowFit';
import type { TextModel } from './textModel';

/** What a count that could not be made leaves as its warning. */
export const NOT_COUNTED = 'data.notCounted';

/** Codes of the problems that a count finds. */
export const COUNT_PROBLEMS = [
  'data.noneFits',
  'data.longPictures',
  'row.promptTooLong',
  'row.tooLong',
  NOT_COUNTED,
] as const;

export interface RowTokens {
  prompt: number;
  target: number;
}

export interface TokenReport {
  /** The rows with their counts. */
  rows: DatasetRow[];
  prompt: TokenStats;
  target: TokenStats;
  /** Warnings with file and line. */
  problems: ImportProblem[];
}

/** Why a row will be left out of training, but for its picture's share; null when it fits. */
function misfit(
  { prompt, target }: RowTokens,
  recipe: Recipe,
): (Omit<Misfit, 'pictureTokens'> & { code: string; message: string }) | null {
  const { max_prompt_length, sft } = recipe;
  if (prompt > max_prompt_length) {
    const message = `the prompt has ${prompt} tokens, max_prompt_length is ${max_prompt_length}: the row will be left out`;
    return {
      code: 'row.promptTooLong',
      message,
      tokens: prompt,
      limit: max_prompt_length,
      limitedBy: 'max_prompt_length',
    };
  }
  if (sft.max_length !== null && prompt + target > sft.max_length) {
    const message = `prompt and answer have ${prompt + target} tokens, max_length is ${sft.max_length}: left out of SFT`;
    return { code: 'row.tooLong', message, tokens: prompt + target, limit: sft.max_length, limitedBy: 'max_length' };
  }
  return null;
}

/** Counts with what was counted before: questions and answers repeat, and rendering the template is slow. */
function createCounter(recipe: Recipe, model: TextModel): (row: DatasetRow, imageTokens: number) => RowTokens {
  const { tokenizer, chatTemplate } = model;
  const counts = new Map<string, number>();
  const remember = (key: string, count: () => number): number => {
    const known = counts.get(key) ?? count();
    counts.set(key, known);
    return known;
  };
  const prompt = (question: string): number => {
    const user = fillTemplate(recipe.prompt_template, { question });
    return buildPrompt(tokenizer, chatTemplate, { system: recipe.system_prompt, user, imageTokens: [1] }).length;
  };
  const target = (thought: string, answer: string): number =>
    buildTarget(tokenizer, chatTemplate, { targetTemplate: recipe.target_template, thought, answer }).length;
  return ({ question, thought, answer }, imageTokens) => ({
    // An image's placeholders stand in a row, so each adds one token.
    prompt: remember(JSON.stringify([question]), () => prompt(question)) - 1 + imageTokens,
    target: remember(JSON.stringify([thought, answer]), () => target(thought, answer)),
  });
}

function statsOf(counts: number[]): TokenStats {
  const sum = counts.reduce((total, count) => total + count, 0);
  const least = (a: number, b: number): number => Math.min(a, b);
  const most = (a: number, b: number): number => Math.max(a, b);
  return { min: counts.reduce(least), max: counts.reduce(most), mean: sum / counts.length };
}

/** Says first, and in one sentence, that no row at all fits. */
function noRow(rows: DatasetRow[], misfits: Misfit[]): ImportProblem[] {
  if (misfits.length < rows.length) return [];
  const nearest = misfits.reduce((a, b) => (b.tokens < a.tokens ? b : a));
  const message = `none of the ${rows.length} rows fits: ${noneFits(nearest)}`;
  return [{ level: 'warning', code: 'data.noneFits', file: rows[0]!.file, message }];
}

/** Says in one sentence which rows smaller pictures would keep. */
function tooLarge(rows: DatasetRow[], misfits: Misfit[], processor: ImageProcessor): ImportProblem[] {
  const found = longPictures(misfits, processor);
  if (!found) return [];
  const { mend, sentence } = found;
  return [{ level: 'warning', code: 'data.longPictures', file: rows[0]!.file, message: `${sentence}.`, mend }];
}

/**
 * Counts prompt and target tokens of every row, image tokens included (without the recipe's pre-resize).
 * @param rows at least one @param sizes of their pictures, by hash @param onProgress rows done; what it throws ends the count
 * @throws chat.template, prompt.images, prompt.target, tokenizer.vocabulary when the model's files do not fit together; image.pixelLimits
 */
export async function countTokens(
  rows: DatasetRow[],
  sizes: ReadonlyMap<string, PictureSize>,
  recipe: Recipe,
  model: TextModel,
  onProgress: (done: number) => void,
): Promise<TokenReport> {
  const processor = withPixelLimits(model.processor, recipe);
  const imageTokens = new Map<string, number>();
  for (const [hash, size] of sizes) {
    const { width, height } = viewSize(size, { loading: recipe.image_loading, preResize: false });
    imageTokens.set(hash, imageTokenCount(width, height, processor));
  }
  const problems = createProblemList();
  const misfits: Misfit[] = [];
  const count = createCounter(recipe, model);
  const counts: RowTokens[] = [];
  const breathe = createBreath();
  for (const row of rows) {
    const pictureTokens = imageTokens.get(row.image) ?? 0;
    const tokens = count(row, pictureTokens);
    const fault = misfit(tokens, recipe);
    if (fault) {
      const { code, message } = fault;
      problems.add({ level: 'warning', code, message, file: row.file, line: row.line });
      misfits.push({ ...fault, pictureTokens });
    }
    counts.push(tokens);
    await breathe();
    onProgress(counts.length);
  }
  return {
    rows: rows.map((row, i) => ({ ...row, promptTokens: counts[i]!.prompt, targetTokens: counts[i]!.target })),
    prompt: statsOf(counts.map(({ prompt }) => prompt)),
    target: statsOf(counts.map(({ target }) => target)),
    problems: [...noRow(rows, misfits), ...tooLarge(rows, misfits, processor), ...problems.all()],
  };
}
