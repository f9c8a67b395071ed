// LoRA adapters in PEFT's files: adapter_config.json and adapter_model.safetensors.
// Writes the key form of transformers 5; reads that and the older one. Must not know layer counts or widths of a model.

import { bytesOf } from '../base/bytes';
import { check } from '../base/errors';
import { firstNonFinite } from './floats';
import { LORA_BLOCK, parseAdapterConfig, writeAdapterConfig } from './peftConfig';
import type { LoraSettings, ParsedAdapterConfig } from './peftConfig';
import { parseSafetensors, widenToF32, writeSafetensors } from './safetensors';
import type { SafeTensor } from './safetensors';

/** One adapted linear: y += scale B A x. */
export interface LoraPair {
  layer: number;
  /** e.g. `q_proj` */
  module: string;
  /** (r, in), row-major */
  A: Float32Array;
  /** (out, r), row-major */
  B: Float32Array;
  in: number;
  out: number;
}

/** Embedding or head as PEFT saves it beside an adapter (`save_embedding_layers`), by its name in a base model. */
export interface EmbeddingCopy {
  name: 'model.embed_tokens.weight' | 'lm_head.weight';
  tensor: SafeTensor;
}

/** An adapter as its files hold it. */
export interface PeftAdapter extends ParsedAdapterConfig {
  /** Ordered by layer and module. */
  tensors: LoraPair[];
  /** Whether they are the base's own is for who knows the base. */
  copies: EmbeddingCopy[];
}

const CONFIG = 'adapter_config.json';
const WEIGHTS = 'adapter_model.safetensors';
// An older name loads in PEFT with a mere warning and changes nothing, so this exact form matters.
const NEW_PREFIX = 'base_model.model.model.language_model.layers.';
const KEY =
  /^base_model\.model\.model\.(?:language_model\.)?layers\.(\d{1,5})\.(self_attn|mlp)\.(\w+)\.lora_([AB])\.weight$/;

const COPY = /^base_model\.model\.(?:model\.(?:language_model\.)?(embed_tokens)|(lm_head))\.weight$/;

/**
 * Makes the two files that `PeftModel.from_pretrained` loads.
 * @throws peft.export when a tensor does not fit r and its sizes, or a module is unknown or not a target
 */
export function exportPeftAdapter(
  adapter: LoraSettings & { tensors: LoraPair[] },
): Record<typeof CONFIG | typeof WEIGHTS, Uint8Array> {
  const { r, target_modules: targets } = adapter;
  const tensors = adapter.tensors.flatMap(({ layer, module, A, B, in: inner, out }) => {
    const known = Object.hasOwn(LORA_BLOCK, module) && targets.includes(module);
    check(known, 'peft.export', `module "${module}" is not among the targets ${targets.join(', ')}`);
    const key = `${NEW_PREFIX}${layer}.${LORA_BLOCK[module]}.${module}`;
    check(A.length === r * inner, 'peft.export', `${key}: A has ${A.length} elements, expected ${r} x ${inner}`);
    check(B.length === out * r, 'peft.export', `${key}: B has ${B.length} elements, expected ${out} x ${r}`);
    return [
      { name: `${key}.lora_A.weight`, dtype: 'F32' as const, shape: [r, inner], bytes: bytesOf(A) },
      { name: `${key}.lora_B.weight`, dtype: 'F32' as const, shape: [out, r], bytes: bytesOf(B) },
    ];
  });
  return {
    [CONFIG]: new TextEncoder().encode(writeAdapterConfig(adapter)),
    [WEIGHTS]: writeSafetensors(tensors, { format: 'pt' }),
  };
}

/**
 * Reads an adapter saved by PEFT or by this program.
 * @param files file name -> bytes; both files are needed
 * @returns settings, the pairs, copies of embeddings, and remarks on ignored settings
 * @throws LorikeetError `peft.*` or `safetensors.*`, naming the file and the tensor
 */
export function importPeftAdapter(files: Record<string, Uint8Array>): PeftAdapter {
  const [configFile, weightsFile] = [fileOf(files, CONFIG), fileOf(files, WEIGHTS)];
  const config = parseAdapterConfig(configFile);
  const { tensors } = parseSafetensors(weightsFile, WEIGHTS);
  const halves = new Map<string, { layer: number; module: string; A?: SafeTensor; B?: SafeTensor }>();
  const copies: EmbeddingCopy[] = [];
  for (const [name, tensor] of tensors) {
    const copy = COPY.exec(name);
    if (copy) {
      copies.push({ name: copy[1] ? 'model.embed_tokens.weight' : 'lm_head.weight', tensor });
      continue;
    }
    const { layer, module, half } = parseKey(name, config);
    const id = `${layer}.${module}`;
    const pair = halves.get(id) ?? { layer, module };
    check(pair[half] === undefined, 'peft.keys', `${WEIGHTS}: "${name}" is there twice, in the old and the new form`);
    halves.set(id, { ...pair, [half]: tensor });
  }
  const pairs = [...halves.values()].map(({ layer, module, A, B }) => readPair(config.r, layer, module, A, B));
  const order = Object.keys(LORA_BLOCK);
  pairs.sort((a, b) => a.layer - b.layer || order.indexOf(a.module) - order.indexOf(b.module));
  const present = [...new Set(pairs.map((pair) => pair.module))];
  const targets = config.target_modules.length > 0 ? config.target_modules : present;
  checkComplete(pairs, targets);
  return { ...config, target_modules: targets, tensors: pairs, copies };
}

/** @throws peft.missing */
function fileOf(files: Record<string, Uint8Array>, name: string): Uint8Array {
  const pickle = Object.hasOwn(files, 'adapter_model.bin')
    ? ' (adapter_model.bin is a pickle file and is refused)'
    : '';
  const found = Object.keys(files).join(', ') || 'no files';
  const bytes = Object.hasOwn(files, name) ? files[name] : undefined;
  check(bytes, 'peft.missing', `${name} is missing${pickle}; found ${found}`);
  return bytes;
}

function parseKey(name: string, config: LoraSettings): { layer: number; module: string; half: 'A' | 'B' } {
  const match = KEY.exec(name);
  check(
    match,
    'peft.keys',
    `${WEIGHTS}: unexpected tensor "${name}"; expected names like ${NEW_PREFIX}0.self_attn.q_proj.lora_A.weight`,
    'Only LoRA on the linears of the language model is supported.',
  );
  const [, layer, block = '', module = '', half] = match;
  const known = Object.hasOwn(LORA_BLOCK, module) && LORA_BLOCK[module] === block;
  check(known, 'peft.keys', `${WEIGHTS}: "${name}": there is no module ${block}.${module} in a decoder layer`);
  const targets = config.target_modules;
  check(
    targets.length === 0 || targets.includes(module),
    'peft.target',
    `${WEIGHTS}: "${name}" is not among the target_modules of ${CONFIG}: ${targets.join(', ')}`,
  );
  return { layer: Number(layer), module, half: half as 'A' | 'B' };
}

function readPair(r: number, layer: number, module: string, A?: SafeTensor, B?: SafeTensor): LoraPair {
  const where = `${WEIGHTS}: layer ${layer} ${module}`;
  check(A && B, 'peft.missingTensor', `${where}: lora_${A ? 'B' : 'A'} is missing`);
  check(
    A.shape.length === 2 && A.shape[0] === r,
    'peft.shape',
    `${where}: lora_A has shape (${A.shape.join(', ')}), expected (${r}, in) for r = ${r}`,
  );
  check(
    B.shape.length === 2 && B.shape[1] === r,
    'peft.shape',
    `${where}: lora_B has shape (${B.shape.join(', ')}), expected (out, ${r}) for r = ${r}`,
  );
  const [inner, out] = [A.shape[1]!, B.shape[0]!];
  check(r <= Math.min(inner, out), 'peft.shape', `${where}: r = ${r} exceeds the linear's size ${out} x ${inner}`);
  return { layer, module, A: readFinite(A, `${where}: lora_A`), B: readFinite(B, `${where}: lora_B`), in: inner, out };
}

function readFinite(tensor: SafeTensor, where: string): Float32Array {
  const values = widenToF32(tensor);
  const at = firstNonFinite(new Uint32Array(values.buffer), 0x7f800000);
  check(at < 0, 'peft.nonFinite', `${where} has NaN or infinity at element ${at}`, 'Use another checkpoint.');
  return values;
}

/** Every target on every layer, as PEFT expects: a gap would silently stay unadapted. */
function checkComplete(pairs: LoraPair[], targets: string[]): void {
  check(pairs.length > 0, 'peft.missingTensor', `${WEIGHTS}: holds no LoRA tensors`);
  const layers = 1 + pairs.reduce((last, pair) => Math.max(last, pair.layer), 0);
  const present = new Set(pairs.map((pair) => `${pair.layer}.${pair.module}`));
  for (let layer = 0; layer < layers; layer++) {
    for (const module of targets) {
      const there = present.has(`${layer}.${module}`);
      check(there, 'peft.missingTensor', `${WEIGHTS}: layer ${layer} has no tensors for the target ${module}`);
    }
  }
}
