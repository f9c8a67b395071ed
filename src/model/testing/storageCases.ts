// The storage types that a layer is checked in, with the numbers that each stands for. For tests only.

import { quantizeMaxima, restoreMaxima } from '../../formats/doubleQuant';
import { dequantizeNf4, quantizeNf4 } from '../../formats/nf4';
import type { StorageOptions } from '../baseStorage';
import { layerCase, visionCase, type LayerCase, type VisionCase } from './layerCase';
import { oneLayerModel, type FileType, type OneLayerModel, type Widths } from './oneLayerModel';

export interface StorageCase {
  name: string;
  /** Of the file. */
  type: FileType;
  storage: StorageOptions;
  /** The short tests have it too: the others differ from one of these in how a weight is decoded alone. */
  always: boolean;
}

export const STORAGE_CASES: readonly StorageCase[] = [
  { name: 'float32', type: 'F32', storage: { dtype: 'float32', nf4: null }, always: true },
  { name: 'float16', type: 'F16', storage: { dtype: 'float16', nf4: null }, always: false },
  { name: 'bfloat16', type: 'BF16', storage: { dtype: 'bfloat16', nf4: null }, always: false },
  {
    name: 'NF4 with double quantization',
    type: 'BF16',
    storage: { dtype: 'auto', nf4: { doubleQuant: true } },
    always: true,
  },
];

export interface Expected {
  layer: LayerCase;
  vision: VisionCase;
}

/** What NF4 keeps of the linears; norms, biases, embedding and convolution stay as they are. */
function quantizedValues(name: string, values: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
  const linear = /(_proj|\.qkv|\.proj|mlp\.[02])\.weight$/.test(name) && !name.includes('patch_embed');
  if (!linear) return values;
  const { packed, maxima } = quantizeNf4(values);
  return dequantizeNf4(packed, restoreMaxima(quantizeMaxima(maxima)), values.length);
}

function expected({ config, values }: OneLayerModel, valueOf: (name: string) => Float32Array<ArrayBuffer>): Expected {
  const known = new Map([...values.keys()].map((name) => [name, valueOf(name)]));
  return {
    layer: layerCase(config, (name) => known.get(`model.layers.0.${name}`)!),
    vision: visionCase(config, (name) => known.get(name)!),
  };
}

/** The float64 answers: one for the types that hold the file's numbers, one for NF4. */
export async function expectedAnswers(widths: Widths): Promise<(storage: StorageOptions) => Expected> {
  const model = await oneLayerModel(widths, 'F32');
  const exact = expected(model, (name) => model.values.get(name)!);
  const quantized = expected(model, (name) => quantizedValues(name, model.values.get(name)!));
  return ({ nf4 }) => (nf4 ? quantized : exact);
}
