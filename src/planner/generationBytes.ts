// The tensors of completions that are generated together: cache, prompts, and one token of every sequence.

import type { Decisions } from '../budgets/decisions';
import type { ModelConfig } from '../model/config';
import type { LoraOptions } from '../recipe/config';
import type { GenerationFigures, PictureFigures } from './figures';
import { layersWork, logitsRowBytes, streamOf } from './passBytes';
import { buffers, type Buffers, type Work } from './pool';
import { encodeWorks } from './towerPassBytes';
import { F32, widthsOf } from './widths';

export interface GenerationInput {
  config: ModelConfig;
  lora: LoraOptions;
  decisions: Decisions;
  pictures: PictureFigures;
  /** Pictures are computed when a prompt first asks for them. */
  encodes: boolean;
}

/** What decodes at once: sequences are cut where the cache or their number ends, whichever comes first. */
interface Chunk {
  sequences: number;
  prompts: number;
  promptTokens: number;
  pictureTokens: number;
  rows: number;
}

function chunkOf(generation: GenerationFigures, { cacheRows, sequencesTogether }: Decisions): Chunk {
  const { prompts, sequences, promptTokens, longestPrompt, maxNewTokens, pictureTokens } = generation;
  const wanted = promptTokens + sequences * maxNewTokens;
  const least = longestPrompt + maxNewTokens;
  const rows = Math.min(wanted, Math.max(cacheRows, least));
  const share = wanted === 0 ? 0 : Math.min(1, rows / wanted, sequencesTogether / Math.max(1, sequences));
  const together = share === 1 ? sequences : Math.max(1, Math.floor(sequences * share));
  const part = sequences === 0 ? 0 : together / sequences;
  const ownPrompts = Math.max(1, Math.ceil(prompts * part));
  const ownTokens = Math.max(longestPrompt, promptTokens * part);
  return {
    sequences: together,
    prompts: ownPrompts,
    promptTokens: ownTokens,
    pictureTokens: prompts === 0 ? 0 : pictureTokens * (ownPrompts / prompts),
    rows: ownTokens + together * maxNewTokens,
  };
}

/**
 * Held while a chunk is under way: keys and values of every prompt once and of every completion at full length (2 kv numbers
 * per layer and row); eight words per sequence, its tokens with two words; a bit for each id that it may not draw, and for
 * those that nobody may; the rope table of its positions; logits of every prompt's last row.
 */
function chunkBuffers(
  config: ModelConfig,
  chunk: Chunk,
  { longestPrompt, maxNewTokens }: GenerationFigures,
): Buffers[] {
  const { layers, kv, vocabulary, headSize } = widthsOf(config);
  const { sequences, prompts, rows } = chunk;
  return [
    buffers('kv', F32 * 2 * kv * rows, layers),
    buffers('workspace', F32 * 8 * sequences),
    buffers('workspace', F32 * (2 + maxNewTokens) * sequences),
    buffers('workspace', F32 * Math.ceil(vocabulary / 32) * (2 + sequences)),
    buffers('workspace', F32 * headSize * (longestPrompt + maxNewTokens)),
    buffers('logits', logitsRowBytes(vocabulary) * prompts),
  ];
}

/** Prompts into the cache, as many as may go together: their stream and layers, then their last rows and logits. */
function prefillWorks({ config, lora, decisions, pictures, encodes }: GenerationInput, chunk: Chunk, held: Buffers[]) {
  const { c, vocabulary } = widthsOf(config);
  const each = chunk.promptTokens / chunk.prompts;
  const count = Math.min(chunk.prompts, Math.max(1, Math.floor(decisions.prefillTokens / each)));
  const tokens = count * each;
  const pictureTokens = (chunk.pictureTokens / chunk.prompts) * count;
  const { held: stream, up } = streamOf(config, { tokens, pictureTokens });
  const patches = encodes ? pictureTokens * config.vision.spatialMergeSize ** 2 : 0;
  const asked = { patches, together: decisions.patchesTogether };
  const base = [...held, ...stream, buffers('activations', F32 * tokens)];
  const last = [
    buffers('activations', F32 * c * tokens),
    buffers('activations', F32 * c * count, 2),
    buffers('logits', logitsRowBytes(vocabulary) * count),
  ];
  const pass = {
    moments: [
      [...base, ...layersWork(config, lora, tokens)],
      [...base, ...last],
    ],
    up,
    back: 0,
  };
  return [...encodeWorks(config, pictures, asked, [...held, ...stream]), pass];
}

/** One token of every sequence: its places and ids, the layers, its rows before and after the norm, its logits. */
function decodeWork({ config, lora }: GenerationInput, { sequences }: Chunk, held: Buffers[]): Work {
  const { c, vocabulary } = widthsOf(config);
  const words = [2, 2, 1, 1, 1, 4, 1, 1].map((width) => buffers('workspace', F32 * width * sequences));
  const row = F32 * c * sequences;
  const own = [...words, buffers('activations', row, 2), buffers('logits', logitsRowBytes(vocabulary) * sequences)];
  return { moments: [[...held, ...own, ...layersWork(config, lora, sequences)]], up: 0, back: 0 };
}

/** Generation: pictures and prompts, then token by token. */
export function generationWorks(input: GenerationInput, generation: GenerationFigures): Work[] {
  if (generation.sequences === 0) return [];
  const chunk = chunkOf(generation, input.decisions);
  const held = chunkBuffers(input.config, chunk, generation);
  return [...prefillWorks(input, chunk, held), decodeWork(input, chunk, held)];
}
