// A model's files, opened and checked against each other by what costs little. Of the weights only a head that stands
// beside a tied embedding is read, to be compared with it.

import { checkUnquantizedWeights } from '../formats/quantization';
import { openWeights, type WeightFiles } from '../formats/weightFiles';
import { parseModelConfig, type ModelConfig } from '../model/config';
import { checkWeights } from '../model/qwen25vl';
import type { ModelSource, NoticeEvent } from '../protocol/messages';
import { readModelFiles } from './modelFiles';
import { loadTextModel, type TextModel } from './textModel';
import { headBeside, type FindHead } from './tiedHead';

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
 * Opens a model: reads its small files and the heads of its weight files, and what `findHead` reads.
 * @throws model.*, config.*, weights.*, safetensors.*, tokenizer.*, chat.missing, image.processorConfig
 */
export async function openModel(source: ModelSource, findHead: FindHead = headBeside): Promise<OpenModel> {
  const { files, config: configJson, generation, name } = await readModelFiles(source);
  const told = parseModelConfig(configJson, generation);
  const weights = await openWeights(files);
  checkUnquantizedWeights(weights);
  const { config, notices: tying } = await tieAsTransformers(told, () => findHead(weights, source));
  const unused = await checkAndFindUnused(weights, config);
  const text = await loadTextModel(source);
  const notices = weights.notes.map(({ code, message }): NoticeEvent => warning(code, message));
  return {
    name,
    configJson,
    config,
    weights,
    weightFiles: weights.files.map((file) => ({ name: file, blob: files[file]! })),
    text,
    notices: [...notices, ...tying, ...unused, ...beyondEmbedding(text, config)],
  };
}

function warning(code: string, message: string): NoticeEvent {
  return { type: 'notice', level: 'warning', code, message };
}

/** A head of its own is used, as transformers does, even where config.json says that there is none. */
async function tieAsTransformers(told: ModelConfig, findHead: () => ReturnType<FindHead>) {
  if (!told.tieWordEmbeddings || (await findHead()) !== 'own') return { config: told, notices: [] };
  const message =
    'config.json says tie_word_embeddings, but the files hold an lm_head.weight with other values than the embedding: ' +
    'it is used, as in transformers.';
  return { config: { ...told, tieWordEmbeddings: false }, notices: [warning('weights.ownHead', message)] };
}

/** Names of older checkpoints for what is computed, and the copy that a tied head may have. */
const NEEDLESS = /(\.inv_freq|^lm_head\.weight|^language_model\.lm_head\.weight)$/;
const NAMED_TENSORS = 5;

/** Every tensor is there with its size; what nothing asks for is told. @throws as checkWeights */
async function checkAndFindUnused(weights: WeightFiles, config: ModelConfig): Promise<NoticeEvent[]> {
  const asked = new Set<string>();
  const shape = (name: string): number[] => {
    asked.add(name);
    return weights.shape(name);
  };
  await checkWeights({ ...weights, shape }, config);
  const unused = weights.names().filter((name) => !asked.has(name) && !NEEDLESS.test(name));
  if (unused.length === 0) return [];
  const more = unused.length > NAMED_TENSORS ? `, and ${unused.length - NAMED_TENSORS} more` : '';
  const message =
    `${unused.length} tensors of the files have no place in this model and are left aside: ` +
    `${unused.slice(0, NAMED_TENSORS).join(', ')}${more}.`;
  return [warning('weights.unused', message)];
}

/** A vocabulary larger than the embedding is only wrong once a text holds one of the tokens. */
function beyondEmbedding({ tokenizer: { largestId } }: TextModel, { vocabSize }: ModelConfig): NoticeEvent[] {
  if (largestId < vocabSize) return [];
  const message =
    `tokenizer.json has token ids up to ${largestId}, the model's embedding has ${vocabSize} rows: ` +
    'a row with a token beyond them will end the run.';
  return [warning('tokenizer.embedding', message)];
}
