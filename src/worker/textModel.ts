// The part of a model that turns rows into token counts: tokenizer, chat template, image size rule. Loads no weights.

import type { JsonObject } from '../base/json';
import type { EncodeContext } from '../data/encode';
import { checkModelFolder, TEXT_FILES } from '../formats/modelFolder';
import { parseImageProcessor } from '../image/processorConfig';
import type { ImageProcessor } from '../image/processorConfig';
import type { ModelConfig } from '../model/config';
import type { ModelSource } from '../protocol/messages';
import { findChatTemplate } from '../text/chatTemplate';
import { createTokenizer } from '../text/tokenizer';
import type { Tokenizer } from '../text/tokenizer';
import { parseModelJson } from './modelJson';

export interface TextModel {
  tokenizer: Tokenizer;
  chatTemplate: string;
  processor: ImageProcessor;
}

/** Text of a model's file; null when the model has none of that name. */
async function readText(model: ModelSource, name: string): Promise<string | null> {
  if (model.kind === 'files') {
    const blob = Object.hasOwn(model.files, name) ? model.files[name] : null;
    return blob ? blob.text() : null;
  }
  const response = await fetch(model.url.replace(/\/?$/, `/${name}`));
  // A server of a single page answers unknown paths with that page.
  const page = response.headers.get('content-type')?.includes('text/html') ?? false;
  return response.ok && !page ? response.text() : null;
}

/** Parses one of a model's JSON files; undefined when the model has none of that name. @throws model.json */
export async function readJson(model: ModelSource, name: string): Promise<JsonObject | undefined> {
  const text = await readText(model, name);
  return text === null ? undefined : parseModelJson(text, name);
}

/**
 * Reads tokenizer.json, tokenizer_config.json, preprocessor_config.json and the chat template.
 * @throws model.missing when one of the first three is; model.json, tokenizer.format, chat.missing, image.processorConfig for files that cannot be used
 */
export async function loadTextModel(model: ModelSource): Promise<TextModel> {
  const names = [...TEXT_FILES, 'chat_template.json'];
  const parsed = await Promise.all(names.map((name) => readJson(model, name)));
  const found = model.kind === 'files' ? Object.keys(model.files) : names.filter((_, i) => parsed[i] !== undefined);
  checkModelFolder(found, TEXT_FILES);
  const [tokenizerJson, tokenizerConfig, preprocessor, chatTemplateJson] = parsed;
  const chatTemplateJinja = (await readText(model, 'chat_template.jinja')) ?? undefined;
  return {
    tokenizer: await createTokenizer({ tokenizerJson, tokenizerConfig }),
    chatTemplate: findChatTemplate({ tokenizerConfig, chatTemplateJson, chatTemplateJinja }),
    processor: parseImageProcessor(preprocessor),
  };
}

/** What rows are encoded with: the text part of a model and the ids and sizes of its config. */
export function encodeContext({ tokenizer, chatTemplate }: TextModel, config: ModelConfig): EncodeContext {
  const { imageTokenId, maxPositions, vocabSize, vision } = config;
  const { spatialMergeSize } = vision;
  return { tokenizer, chatTemplate, model: { imageTokenId, maxPositions, vocabSize, spatialMergeSize } };
}
