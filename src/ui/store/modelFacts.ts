// What a model's files say about it, read for the Model card: config.json and the heads of the weight files.
// Only for display and for early refusal; the trainer reads and checks everything again.

import { LorikeetError } from '../../base/errors';
import { checkModelFolder } from '../../formats/modelFolder';
import { checkUnquantizedConfig } from '../../formats/quantization';
import { openWeights } from '../../formats/weightFiles';

export interface ModelFacts {
  architecture: string;
  layers: number;
  /** Of the files that are read, as the three below. */
  parameters: number;
  bytes: number;
  dtype: string;
  /** Remarks on files that are there and are not read. */
  notes: string[];
}

const NAMES: Record<string, string> = { BF16: 'bfloat16', F16: 'float16', F32: 'float32' };

/** Facts of a picked folder. @throws model.missing, model.config, weights.*, safetensors.*, naming the file */
export async function factsOfFiles(files: Record<string, Blob>): Promise<ModelFacts> {
  checkModelFolder(Object.keys(files));
  return factsOf(await files['config.json']!.text(), files);
}

/** Facts of the bundled model at `url` (with its final slash). @throws model.missing and as factsOfFiles */
export async function factsOfUrl(url: string): Promise<ModelFacts> {
  const [config, weights] = await Promise.all([fetch(`${url}config.json`), fetch(`${url}model.safetensors`)]);
  if (!config.ok || !weights.ok) throw new LorikeetError('model.missing', 'The bundled model could not be loaded.');
  return factsOf(await config.text(), { 'model.safetensors': await weights.blob() });
}

async function factsOf(configText: string, files: Record<string, Blob>): Promise<ModelFacts> {
  const config = readConfig(configText);
  const weights = await openWeights(files);
  const text = (config['text_config'] ?? config) as Record<string, unknown>;
  const names = weights.names();
  const size = (shape: number[]): number => shape.reduce((a, b) => a * b, 1);
  const dtype = names[0] === undefined ? '' : weights.dtype(names[0]);
  return {
    architecture: 'Qwen2.5-VL',
    layers: Number(text['num_hidden_layers']) || 0,
    parameters: names.reduce((sum, name) => sum + size(weights.shape(name)), 0),
    bytes: weights.files.reduce((sum, name) => sum + files[name]!.size, 0),
    dtype: NAMES[dtype] ?? dtype,
    notes: weights.notes.map(({ message }) => message),
  };
}

function readConfig(text: string): Record<string, unknown> {
  let config: Record<string, unknown> | null;
  try {
    config = JSON.parse(text) as Record<string, unknown> | null;
  } catch (error) {
    throw new LorikeetError('model.config', `config.json is not JSON: ${(error as Error).message}`);
  }
  if (config?.['model_type'] !== 'qwen2_5_vl') {
    throw new LorikeetError(
      'model.config',
      `config.json: model_type is "${String(config?.['model_type'])}", expected "qwen2_5_vl".`,
      'Lorikeet trains Qwen2.5-VL models.',
    );
  }
  checkUnquantizedConfig(config);
  return config;
}
