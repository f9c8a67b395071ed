// The part of a model that turns rows into token counts: tokenizer, chat template, image size rule. Loads no weights.

import type { JsonObject } from '../base/json';
import type { EncodeContext } from '../data/encode';
import { checkModelFolder, PREPROCESSOR, PROCESSOR, TEXT_FILES } from '../formats/modelFolder';
import { findImageProcessor, parseImageProcessor } from '../image/processorConfig';
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

/** The files of a model that may hold its image processor, parsed. */
async function readProcessorFiles(model: ModelSource): Promise<Parameters<typeof findImageProcessor>[0]> {
  const preprocessor = await readJson(model, PREPROCESSOR);
  // A bundled model is asked for what it may have only where it has nothing else: it would be a request that fails.
  const only = model.kind === 'bundled' && preprocessor !== undefined;
  return { preprocessor, processor: only ? undefined : await readJson(model, PROCESSOR) };
}

/** The parsed file, or part of one, that a model's image processor is read from, and its name. @throws model.* */
export async function imageProcessorFile(model: ModelSource): Promise<ReturnType<typeof findImageProcessor>> {
  return findImageProcessor(await readProcessorFiles(model));
}

/**
 * Reads tokenizer.json, tokenizer_config.json, the image processor and the chat template.
 * @throws model.missing when one of the first three is; model.json, tokenizer.format, chat.missing, image.processorConfig for files that cannot be used
 */
export async function loadTextModel(model: ModelSource): Promise<TextModel> {
  if (model.kind === 'files') checkModelFolder(Object.keys(model.files), TEXT_FILES);
  const names = ['tokenizer.json', 'tokenizer_config.json', 'chat_template.json'];
  const parsed = await Promise.all(names.map((name) => readJson(model, name)));
  const [tokenizerJson, tokenizerConfig, chatTemplateJson] = parsed;
  const found = names.filter((_, i) => parsed[i] !== undefined);
  if (model.kind === 'bundled') checkModelFolder([...found, PREPROCESSOR], TEXT_FILES);
  const chatTemplateJinja = (await readText(model, 'chat_template.jinja')) ?? undefined;
  const { json, file } = await imageProcessorFile(model);
  return {
    tokenizer: await createTokenizer({ tokenizerJson, tokenizerConfig }),
    chatTemplate: findChatTemplate({ tokenizerConfig, chatTemplateJson, chatTemplateJinja }),
    processor: parseImageProcessor(json, {}, file),
  };
}

/** What rows are encoded with: the text part of a model and the ids and sizes of its config. */
export function encodeContext({ tokenizer, chatTemplate }: TextModel, config: ModelConfig): EncodeContext {
  const { imageTokenId, maxPositions, vocabSize, vision } = config;
  const { spatialMergeSize } = vision;
  return { tokenizer, chatTemplate, model: { imageTokenId, maxPositions, vocabSize, spatialMergeSize } };
}
