// What a model's files say about it, read for the Model card: config.json and the heads of the safetensors files.
// Only for display and for early refusal; the trainer reads and checks everything again.

import { LorikeetError } from '../../base/errors';

export interface ModelFacts {
  architecture: string;
  layers: number;
  parameters: number;
  bytes: number;
  dtype: string;
}

const NAMES: Record<string, string> = { BF16: 'bfloat16', F16: 'float16', F32: 'float32' };
const MAX_HEADER = 100e6;

/** Facts of a picked folder. Errors name the missing or wrong file. */
export async function factsOfFiles(files: Record<string, Blob>): Promise<ModelFacts> {
  const config = files['config.json'];
  if (!config) {
    throw new LorikeetError(
      'model.missingFile',
      'The folder has no config.json.',
      'Pick the folder that holds config.json, tokenizer.json and the .safetensors files.',
    );
  }
  if (!files['tokenizer.json']) throw new LorikeetError('model.missingFile', 'The folder has no tokenizer.json.');
  const weights = Object.entries(files).filter(([name]) => name.endsWith('.safetensors'));
  if (weights.length === 0) {
    throw new LorikeetError(
      'model.missingFile',
      'The folder has no .safetensors file.',
      'Pickled weights are not read.',
    );
  }
  const heads = await Promise.all(weights.map(([name, blob]) => readHead(name, blob)));
  return factsOf(
    await config.text(),
    heads,
    weights.reduce((sum, [, blob]) => sum + blob.size, 0),
  );
}

/** Facts of the bundled model at `url` (with its final slash). */
export async function factsOfUrl(url: string): Promise<ModelFacts> {
  const [config, weights] = await Promise.all([fetch(`${url}config.json`), fetch(`${url}model.safetensors`)]);
  if (!config.ok || !weights.ok) throw new LorikeetError('model.missingFile', 'The bundled model could not be loaded.');
  const blob = await weights.blob();
  return factsOf(await config.text(), [await readHead('model.safetensors', blob)], blob.size);
}

type Head = Record<string, { dtype?: string; shape?: number[] }>;

async function readHead(name: string, blob: Blob): Promise<Head> {
  const length = blob.size < 8 ? 0n : new DataView(await blob.slice(0, 8).arrayBuffer()).getBigUint64(0, true);
  if (length === 0n || length > BigInt(Math.min(MAX_HEADER, blob.size - 8))) {
    throw new LorikeetError(
      'model.safetensors',
      `${name} is not a complete safetensors file (${blob.size} bytes).`,
      'Download it again; a Git LFS pointer is only a few hundred bytes long.',
    );
  }
  try {
    return JSON.parse(await blob.slice(8, 8 + Number(length)).text()) as Head;
  } catch {
    throw new LorikeetError('model.safetensors', `${name} has a damaged header (bytes 8 to ${8 + Number(length)}).`);
  }
}

function factsOf(configText: string, heads: Head[], bytes: number): ModelFacts {
  let config: Record<string, unknown>;
  try {
    config = JSON.parse(configText) as Record<string, unknown>;
  } catch (error) {
    throw new LorikeetError('model.config', `config.json is not JSON: ${(error as Error).message}`);
  }
  if (config['model_type'] !== 'qwen2_5_vl') {
    throw new LorikeetError(
      'model.config',
      `config.json: model_type is "${String(config['model_type'])}", expected "qwen2_5_vl".`,
      'Lorikeet trains Qwen2.5-VL models.',
    );
  }
  const text = (config['text_config'] ?? config) as Record<string, unknown>;
  const tensors = heads.flatMap((head) => Object.entries(head)).filter(([name]) => name !== '__metadata__');
  const parameters = tensors.reduce((sum, [, { shape = [] }]) => sum + shape.reduce((a, b) => a * b, 1), 0);
  const dtype = tensors[0]?.[1].dtype ?? '';
  return {
    architecture: 'Qwen2.5-VL',
    layers: Number(text['num_hidden_layers']) || 0,
    parameters,
    bytes,
    dtype: NAMES[dtype] ?? dtype,
  };
}
