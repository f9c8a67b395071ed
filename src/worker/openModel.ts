// A model's files, opened and checked against each other by what costs little: no weights are read here.

import { openWeights, type WeightFiles } from '../formats/weightFiles';
import { parseModelConfig, type ModelConfig } from '../model/config';
import { checkWeights } from '../model/qwen25vl';
import type { ModelSource, NoticeEvent } from '../protocol/messages';
import { readModelFiles } from './modelFiles';
import { loadTextModel, type TextModel } from './textModel';

export interface OpenModel {
  /** For adapter_config.json. */
  name: string;
  /** Parsed config.json. */
  configJson: unknown;
  config: ModelConfig;
  /** Every tensor is there with its size. */
  weights: WeightFiles;
  /** The files that `weights` reads. */
  weightFiles: { name: string; blob: Blob }[];
  text: TextModel;
  /** What the user should know of the files. */
  notices: NoticeEvent[];
}

/**
 * Opens a model: reads its small files and the heads of its weight files.
 * @throws model.*, config.*, weights.*, safetensors.*, tokenizer.*, chat.missing, image.processorConfig
 */
export async function openModel(source: ModelSource): Promise<OpenModel> {
  const { files, config: configJson, generation, name } = await readModelFiles(source);
  const config = parseModelConfig(configJson, generation);
  const weights = await openWeights(files);
  await checkWeights(weights, config);
  const text = await loadTextModel(source);
  const notices = weights.notes.map(({ code, message }): NoticeEvent => warning(code, message));
  return {
    name,
    configJson,
    config,
    weights,
    weightFiles: weights.files.map((file) => ({ name: file, blob: files[file]! })),
    text,
    notices: [...notices, ...beyondEmbedding(text, config)],
  };
}

function warning(code: string, message: string): NoticeEvent {
  return { type: 'notice', level: 'warning', code, message };
}

/** A vocabulary larger than the embedding is only wrong once a text holds one of the tokens. */
function beyondEmbedding({ tokenizer: { largestId } }: TextModel, { vocabSize }: ModelConfig): NoticeEvent[] {
  if (largestId < vocabSize) return [];
  const message =
    `tokenizer.json has token ids up to ${largestId}, the model's embedding has ${vocabSize} rows: ` +
    'a row with a token beyond them will end the run.';
  return [warning('tokenizer.embedding', message)];
}
