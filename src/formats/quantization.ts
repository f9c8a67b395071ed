// Recognises checkpoints that somebody has quantized already, and names the method. Must not read tensors.

import { check } from '../base/errors';
import { isJsonObject, type JsonObject } from '../base/json';
import type { WeightFiles } from './weightFiles';

/** Names that people know the methods by; `quant_method` of quantization_config. */
const METHODS: Record<string, string> = {
  awq: 'AWQ',
  gptq: 'GPTQ',
  fp8: 'FP8',
  fbgemm_fp8: 'FP8',
  bitsandbytes: 'bitsandbytes',
  'compressed-tensors': 'compressed-tensors',
};

/** What the parts of a quantized matrix are called; these names occur in no other checkpoint. */
const TENSORS: [RegExp, string][] = [
  [/\.qweight$/, 'AWQ or GPTQ'],
  [/\.weight\.(absmax|quant_map|quant_state\..+)$/, 'bitsandbytes 4-bit'],
  [/\.SCB$/, 'bitsandbytes 8-bit'],
  [/\.weight_scale(_inv)?$/, 'FP8'],
  [/\.weight_packed$/, 'compressed-tensors'],
];

const CHOOSE = 'Choose the same model in bfloat16, float16 or float32.';

/** As it is written in the file. */
function methodOf(config: JsonObject): string | null {
  // MLX writes `quantization`, all others `quantization_config`.
  const found = config.quantization_config ?? config.quantization ?? null;
  if (found === null) return null;
  const { quant_method: method, load_in_4bit: bits4, load_in_8bit: bits8 } = isJsonObject(found) ? found : {};
  // Older files of bitsandbytes do not name it.
  if (method === undefined && (bits4 === true || bits8 === true)) return 'bitsandbytes';
  return typeof method === 'string' ? method : config.quantization_config === undefined ? 'MLX' : 'unknown';
}

/**
 * The method by which a checkpoint's weights are quantized, as its config names it; null when they are not.
 * @param configs parsed config.json, and its text_config if it has one
 */
export function quantizationMethod(...configs: (JsonObject | null)[]): string | null {
  return configs.map((config) => config && methodOf(config)).find((name) => name !== null) ?? null;
}

/**
 * Refuses a config.json that says its weights are quantized.
 * @param configs parsed config.json, and its text_config if it has one @throws config.unsupported naming the method
 */
export function checkUnquantizedConfig(...configs: (JsonObject | null)[]): void {
  const method = quantizationMethod(...configs);
  const known = method !== null && Object.hasOwn(METHODS, method) ? METHODS[method] : method;
  check(
    method === null,
    'config.unsupported',
    `config.json: the checkpoint is quantized (${known}); expected weights that are not`,
    CHOOSE,
  );
}

/** Refuses weights whose names or types are those of a quantized checkpoint. @throws weights.quantized */
export function checkUnquantizedWeights(weights: WeightFiles): void {
  for (const name of weights.names()) {
    const method = weights.dtype(name).startsWith('F8_') ? 'FP8' : TENSORS.find(([part]) => part.test(name))?.[1];
    check(
      method === undefined,
      'weights.quantized',
      `tensor "${name}" (${weights.dtype(name)}) is part of a quantized checkpoint (${method}); expected weights that are not`,
      CHOOSE,
    );
  }
}
