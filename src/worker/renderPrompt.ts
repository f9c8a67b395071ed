// One dataset row as the tokens that training would see, for the page's preview. Encodes as training does; loads no
// weights and leaves nothing out: whether the row fits is for the reader of the counts.

import type { DatasetRow } from '../base/dataset';
import { check } from '../base/errors';
import { encodeExample, type Example } from '../data/encode';
import { withPixelLimits } from '../image/pixelLimits';
import { gridTokenCount } from '../image/smartResize';
import { pictureSize } from '../image/view';
import { parseModelConfig, type ModelConfig } from '../model/config';
import type { ModelChoice, PromptToken, RenderedPrompt } from '../protocol/messages';
import type { Tokenizer } from '../text/tokenizer';
import type { Recipe } from '../recipe/config';
import { loadImage } from '../storage/datasets';
import { keyOf, sourceOf } from './chosenModel';
import { viewsOf } from './storedImage';
import { loadTextModel, readJson, type TextModel } from './textModel';

interface PreviewModel {
  text: TextModel;
  config: ModelConfig;
}

/** What a broken character decodes to. */
const BROKEN = '\ufffd';
/** Bytes of the longest UTF-8 character. */
const LONGEST_CHARACTER = 4;

async function loadPreviewModel(choice: ModelChoice): Promise<PreviewModel> {
  const model = await sourceOf(choice);
  const [text, config] = await Promise.all([loadTextModel(model), readJson(model, 'config.json')]);
  check(
    config !== undefined,
    'model.missing',
    'The model has no config.json.',
    'Pick the folder of a complete checkpoint.',
  );
  return { text, config: parseModelConfig(config) };
}

/** Texts of the tokens one by one; a character of several tokens stands at the last of them. */
function textsOf(tokenizer: Tokenizer, ids: ArrayLike<number>): string[] {
  const texts: string[] = [];
  let pending: number[] = [];
  for (const id of Array.from(ids)) {
    pending.push(id);
    const text = tokenizer.decode(pending, { skipSpecialTokens: false });
    const waits = text.endsWith(BROKEN) && pending.length < LONGEST_CHARACTER;
    texts.push(waits ? '' : text);
    if (!waits) pending = [];
  }
  return texts;
}

function tokensOf(example: Example, tokenizer: Tokenizer, imageTokenId: number): PromptToken[] {
  const special = new Set(tokenizer.specialTokens.map((token) => tokenizer.tokenId(token)));
  const texts = textsOf(tokenizer, example.ids);
  return Array.from(example.ids, (id, i) => ({
    id,
    text: texts[i]!,
    special: special.has(id),
    image: id === imageTokenId,
    label: example.labelMask[i] === 1,
  }));
}

async function render(row: DatasetRow, recipe: Recipe, { text, config }: PreviewModel): Promise<RenderedPrompt> {
  const { tokenizer, chatTemplate, processor } = text;
  const size = pictureSize(await loadImage(row.image));
  const { plain, grpo } = viewsOf({ hash: row.image, size }, recipe, withPixelLimits(processor, recipe));
  const { imageTokenId, vocabSize, vision, maxPositions } = config;
  const { spatialMergeSize } = vision;
  const model = { imageTokenId, vocabSize, spatialMergeSize, maxPositions: Infinity };
  const { completion_only_loss } = recipe.sft;
  const options = { ...recipe, max_prompt_length: Infinity, max_length: null, completion_only_loss };
  const encoded = encodeExample(row, [plain], options, { tokenizer, chatTemplate, model });
  check(encoded.ok, 'row.tooLong', encoded.ok ? '' : encoded.problem.message);
  return {
    tokens: tokensOf(encoded.value, tokenizer, imageTokenId),
    promptLength: encoded.value.promptLength,
    grpoImageTokens: grpo && gridTokenCount(grpo.grid, spatialMergeSize),
    maxPositions,
  };
}

/**
 * Makes the function that renders rows; it keeps the model's tokenizer between calls, as a real one takes half a
 * second to build.
 * @throws (from the function) model.*, config.*, tokenizer.*, chat.*, prompt.*, storage.missing for a picture
 */
export function createPromptRenderer(): (
  row: DatasetRow,
  recipe: Recipe,
  model: ModelChoice,
) => Promise<RenderedPrompt> {
  let known: { key: string; model: Promise<PreviewModel> } | null = null;
  return async (row, recipe, source) => {
    const key = keyOf(source);
    if (known?.key !== key) known = { key, model: loadPreviewModel(source) };
    try {
      return await render(row, recipe, await known.model);
    } catch (error) {
      // The files may be whole at the next try.
      known = null;
      throw error;
    }
  };
}
