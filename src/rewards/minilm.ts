// The sentence encoder of the semantic reward: all-MiniLM-L6-v2 (int8 ONNX) on onnxruntime-web, from our own origin.
// Heavy to import (transformers.js and 14 MB of wasm): only workers may, and only dynamically from code that tests share.

import { AutoModel, AutoTokenizer, env } from '@huggingface/transformers';
import type { PreTrainedModel, PreTrainedTokenizer, Tensor } from '@huggingface/transformers';
import wasmUrl from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url';
import { LorikeetError, check } from '../base/errors';

/** Where the page serves the model's folder. */
const MODELS_PATH = '/models/';
const MODEL_NAME = 'all-MiniLM-L6-v2';
// sentence-transformers cuts this model's texts here, though its tokenizer allows 512.
const MAX_TOKENS = 256;

/** A loaded sentence encoder. */
export interface SentenceEncoder {
  /** Length of an embedding. */
  width: number;
  /** Unit rows, texts.length x width, row-major. Calls run one after another. */
  embed(texts: string[]): Promise<Float32Array>;
  /** Wordpiece ids of one text, with its start and end tokens. */
  tokenize(text: string): number[];
}

/** Keeps transformers.js and onnxruntime on our own origin, without blob: modules, threads or caches. */
function configureRuntime(): void {
  env.allowRemoteModels = false;
  env.allowLocalModels = true;
  env.localModelPath = MODELS_PATH;
  env.useBrowserCache = false;
  env.useWasmCache = false;
  const wasm = env.backends.onnx.wasm;
  check(wasm, 'reward.encoder', 'Reward encoder: transformers.js found no WebAssembly backend.');
  wasm.wasmPaths = { wasm: wasmUrl };
  // More threads need a worker script that the security policy does not admit.
  wasm.numThreads = 1;
}

/** Mean over the tokens that the mask marks, then unit length. @param hidden (B, T, C) @param mask (B, T) */
function poolMean(hidden: Tensor, mask: Tensor): Float32Array {
  const [rows = 0, tokens = 0, width = 0] = hidden.dims;
  const dims = hidden.dims.join(', ');
  check(hidden.dims.length === 3, 'reward.encoder', `Reward encoder: it gave a tensor (${dims}), expected (B, T, C).`);
  const values = hidden.data as Float32Array;
  const live = mask.data as BigInt64Array;
  const out = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    const sums = new Float64Array(width);
    for (let t = 0; t < tokens; t++) {
      if (live[row * tokens + t] === 0n) continue;
      const start = (row * tokens + t) * width;
      for (let k = 0; k < width; k++) sums[k]! += values[start + k]!;
    }
    // The count of tokens cancels in the division by the length.
    const length = Math.hypot(...sums);
    out.set(
      sums.map((value) => value / length),
      row * width,
    );
  }
  return out;
}

async function embedTexts(
  tokenizer: PreTrainedTokenizer,
  model: PreTrainedModel,
  texts: string[],
): Promise<Float32Array> {
  if (texts.length === 0) return new Float32Array(0);
  // `padding: true` pads to the longest text of the batch; the tokenizer's own file asks for 128.
  const inputs = tokenizer(texts, { padding: true, truncation: true, max_length: MAX_TOKENS });
  const { last_hidden_state: hidden } = (await model(inputs)) as { last_hidden_state: Tensor };
  return poolMean(hidden, inputs.attention_mask);
}

/**
 * Loads the encoder from the page's own origin.
 * @throws reward.encoder when a file is missing or the runtime does not start
 */
export async function loadMiniLm(): Promise<SentenceEncoder> {
  configureRuntime();
  try {
    const [tokenizer, model] = await Promise.all([
      AutoTokenizer.from_pretrained(MODEL_NAME),
      AutoModel.from_pretrained(MODEL_NAME, { dtype: 'q8', device: 'wasm' }),
    ]);
    const width = (model.config as { hidden_size?: number }).hidden_size;
    check(width, 'reward.encoder', `Reward encoder: ${MODELS_PATH}${MODEL_NAME}/config.json has no hidden_size.`);
    return {
      width,
      embed: (texts) => embedTexts(tokenizer, model, texts),
      tokenize: (text) => tokenizer.encode(text),
    };
  } catch (error) {
    if (error instanceof LorikeetError) throw error;
    throw new LorikeetError(
      'reward.encoder',
      `Reward encoder: ${MODELS_PATH}${MODEL_NAME}/ could not be loaded: ${String(error)}`,
      'Reload the page. If it stays, the server lacks the files of this folder.',
    );
  }
}
