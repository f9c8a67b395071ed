// Rows to token ids, positions and loss masks. Rows that do not fit are answered with a named problem, never cut.

import { check, LorikeetError } from '../base/errors';
import { gridTokenCount } from '../image/smartResize';
import { fillTemplate } from '../base/fillTemplate';
import type { ImageView } from '../image/view';
import { buildPrompt, buildTarget, IMAGE_PLACEHOLDER } from '../text/prompt';
import type { Tokenizer } from '../text/tokenizer';
import { mropePositions } from './mrope';
import type { Grid, VisionTokens } from './mrope';

/** An image of an example: its key in storage, what is made of the file, and the patch grid of that. */
export interface ImageRef {
  /** sha256 of the image file's bytes, hex. */
  hash: string;
  view: ImageView;
  grid: Grid;
}

/** The same for the same pixels: what features are kept under. */
export function imageKey({ hash, view }: ImageRef): string {
  return JSON.stringify([hash, view.loading, view.preResize]);
}

/** A prompt ready for generation. */
export interface Prompt {
  /** (T) */
  ids: Int32Array<ArrayBuffer>;
  /** (3, T): time, row, column. */
  positions: Int32Array<ArrayBuffer>;
  /** Position of the token that follows, on all three axes. */
  nextPosition: number;
  /** In the order of their placeholders. */
  images: ImageRef[];
}

/** A prompt with its supervised target. */
export interface Example extends Prompt {
  /** Tokens before the target. */
  promptLength: number;
  /**
   * (T) 1 where `ids[t]` is a label, to be predicted at t - 1. Never an image placeholder, never the first token,
   * so the ones count as the loss counts.
   */
  labelMask: Uint8Array<ArrayBuffer>;
}

/** The recipe's part that shapes tokens, in the recipe's names. */
export interface PromptOptions {
  system_prompt: string;
  /** `{question}` is replaced. */
  prompt_template: string;
  /** Longest prompt in tokens. */
  max_prompt_length: number;
}

export interface ExampleOptions extends PromptOptions {
  /** `{thought}` and `{answer}` are replaced. */
  target_template: string;
  /** Longest example in tokens; null: the model's context. */
  max_length: number | null;
  /** true: labels are the target only; false: every token but image placeholders. */
  completion_only_loss: boolean;
}

/** What encoding needs to know of the checkpoint; `model` may be a ModelConfig. */
export interface EncodeContext {
  tokenizer: Tokenizer;
  chatTemplate: string;
  /** `vocabSize`: rows of the embedding. */
  model: VisionTokens & { maxPositions: number; vocabSize: number };
}

/** Why a row cannot be used. */
export interface RowProblem {
  code: 'row.promptTooLong' | 'row.tooLong';
  message: string;
  /** What passed the limit: tokens of the prompt, or of the whole row. */
  tokens: number;
  limit: number;
  limitedBy: 'max_prompt_length' | 'max_length' | "the model's context";
}

export type Encoded<T> = { ok: true; value: T } | { ok: false; problem: RowProblem };

/**
 * A row's prompt for generation.
 * @param images in the order shown @param newTokens room kept for the completion
 * @returns the prompt, or why the row cannot be used @throws chat.template | prompt.images | tokenizer.image | tokenizer.embedding
 */
export function encodePrompt(
  question: string,
  images: ImageRef[],
  options: PromptOptions,
  context: EncodeContext,
  newTokens = 0,
): Encoded<Prompt> {
  const ids = promptIds(question, images, options, context);
  checkIds(ids, context);
  const limits: RowLimits = {
    prompt: options.max_prompt_length,
    total: context.model.maxPositions,
    totalBy: "the model's context",
  };
  const problem = tooLong(ids.length, ids.length + newTokens, limits);
  if (problem) return { ok: false, problem };
  return { ok: true, value: withPositions(ids, images, context) };
}

/**
 * A row's prompt and target for SFT.
 * @returns the example, or why the row cannot be used
 * @throws chat.template | prompt.images | prompt.target | tokenizer.image | tokenizer.embedding
 */
export function encodeExample(
  row: { question: string; thought: string; answer: string },
  images: ImageRef[],
  options: ExampleOptions,
  context: EncodeContext,
): Encoded<Example> {
  const { tokenizer, chatTemplate, model } = context;
  const prompt = promptIds(row.question, images, options, context);
  const { thought, answer } = row;
  const target = buildTarget(tokenizer, chatTemplate, { targetTemplate: options.target_template, thought, answer });
  const ids = [...prompt, ...target];
  checkIds(ids, context);
  const { max_length: own, max_prompt_length } = options;
  const limits: RowLimits =
    own !== null && own < model.maxPositions
      ? { prompt: max_prompt_length, total: own, totalBy: 'max_length' }
      : { prompt: max_prompt_length, total: model.maxPositions, totalBy: "the model's context" };
  const problem = tooLong(prompt.length, ids.length, limits);
  if (problem) return { ok: false, problem };
  const firstLabel = options.completion_only_loss ? prompt.length : 1;
  const labelMask = Uint8Array.from(ids, (id, at) => (at >= firstLabel && id !== model.imageTokenId ? 1 : 0));
  return { ok: true, value: { ...withPositions(ids, images, context), promptLength: prompt.length, labelMask } };
}

function promptIds(question: string, images: ImageRef[], options: PromptOptions, context: EncodeContext): number[] {
  const { tokenizer, chatTemplate, model } = context;
  const placeholder = tokenizer.tokenId(IMAGE_PLACEHOLDER);
  check(
    placeholder === model.imageTokenId,
    'tokenizer.image',
    `tokenizer.json gives ${IMAGE_PLACEHOLDER} the id ${placeholder ?? 'of no token'}, config.json says ${model.imageTokenId}`,
    'Use the tokenizer files of the same checkpoint.',
  );
  return buildPrompt(tokenizer, chatTemplate, {
    system: options.system_prompt,
    user: fillTemplate(options.prompt_template, { question }),
    imageTokens: images.map(({ grid }) => gridTokenCount(grid, model.spatialMergeSize)),
  });
}

/** The GPU would read another token's row, in silence. */
function checkIds(ids: readonly number[], { tokenizer, model }: EncodeContext): void {
  const largest = ids.reduce((a, b) => Math.max(a, b), 0);
  if (largest < model.vocabSize) return;
  const text = tokenizer.decode([largest], { skipSpecialTokens: false });
  throw new LorikeetError(
    'tokenizer.embedding',
    `token id ${largest} (${JSON.stringify(text)}) has no row in the model's embedding, which has ${model.vocabSize} rows`,
    'Use the tokenizer files of the same checkpoint; a model whose tokenizer was extended needs its embedding resized.',
  );
}

function withPositions(ids: number[], images: ImageRef[], { model }: EncodeContext): Prompt {
  const grids = images.map((image) => image.grid);
  const { positions, next } = mropePositions(ids, grids, model);
  return { ids: Int32Array.from(ids), positions, nextPosition: next, images };
}

interface RowLimits {
  prompt: number;
  total: number;
  totalBy: RowProblem['limitedBy'];
}

function tooLong(prompt: number, total: number, limits: RowLimits): RowProblem | null {
  if (prompt > limits.prompt) {
    return {
      code: 'row.promptTooLong',
      message: `the prompt has ${prompt} tokens, max_prompt_length is ${limits.prompt}: use a shorter question or a smaller image`,
      tokens: prompt,
      limit: limits.prompt,
      limitedBy: 'max_prompt_length',
    };
  }
  if (total > limits.total) {
    return {
      code: 'row.tooLong',
      message: `prompt and answer have ${total} tokens (prompt ${prompt}), the limit is ${limits.total}: use shorter texts or a smaller image`,
      tokens: total,
      limit: limits.total,
      limitedBy: limits.totalBy,
    };
  }
  return null;
}
