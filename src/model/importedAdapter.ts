// An imported PEFT adapter against the base model that it is to adapt. Must not know of the adapter's files.

import { check } from '../base/errors';
import { TARGET_MODULES, type TargetModule } from '../base/targetModules';
import type { LoraPair, EmbeddingCopy } from '../formats/peft';
import { LORA_BLOCK, type LoraSettings } from '../formats/peftConfig';
import { widenToF32 } from '../formats/safetensors';
import type { WeightFiles } from '../formats/weightFiles';
import type { ModelConfig } from './config';
import { moduleShape } from './adapterShape';
import type { LoraValues } from './lora';
import { withHubNames } from './weightNames';

/** What decides the shape and scale of an adapter, in PEFT's names. */
export interface AdapterShape {
  r: number;
  lora_alpha: number;
  target_modules: TargetModule[];
  use_rslora: boolean;
}

const HINT = 'Use an adapter that was trained on this base model, or pick the base model that it names.';

function tensorName(layer: number, module: string, half: 'A' | 'B'): string {
  const block = LORA_BLOCK[module];
  return `layers.${layer}.${block}.${module}.lora_${half}`;
}

function checkPair(pair: LoraPair, r: number, config: ModelConfig, base: string): void {
  const { layer, module } = pair;
  const [a, b] = [tensorName(layer, module, 'A'), tensorName(layer, module, 'B')];
  check(
    layer < config.layers,
    'peft.base',
    `the adapter${base} has ${a}, but the base model has ${config.layers} layers, 0 to ${config.layers - 1}`,
    HINT,
  );
  const want = moduleShape(config, module as TargetModule);
  const differs = (name: string, expected: number[], found: number[]) =>
    check(
      expected.every((size, i) => size === found[i]),
      'peft.base',
      `the adapter${base} has ${name} of shape (${found.join(', ')}), the base model needs (${expected.join(', ')})`,
      HINT,
    );
  differs(a, [r, want.in], [r, pair.in]);
  differs(b, [want.out, r], [pair.out, r]);
}

/**
 * Checks that every tensor has its place in the base model, and that every target has both factors on every layer.
 * @param imported of importPeftAdapter, which pairs A with B
 * @returns `shape` for createAdapter, `values` for loadValues
 * @throws peft.base with the tensor, what is expected and what was found
 */
export function checkAgainstBase(
  imported: LoraSettings & { tensors: LoraPair[] },
  config: ModelConfig,
): { shape: AdapterShape; values: LoraValues[] } {
  const { r, lora_alpha, use_rslora, tensors, base_model_name_or_path: name } = imported;
  const base = name ? ` (made for ${JSON.stringify(name)})` : '';
  for (const pair of tensors) checkPair(pair, r, config, base);
  const target_modules = TARGET_MODULES.filter((module) => imported.target_modules.includes(module));
  const present = new Set(tensors.map(({ layer, module }) => `${layer}.${module}`));
  for (let layer = 0; layer < config.layers; layer++) {
    for (const module of target_modules) {
      check(
        present.has(`${layer}.${module}`),
        'peft.base',
        `the adapter${base} has no ${tensorName(layer, module, 'A')}; the base model has ${config.layers} layers`,
        HINT,
      );
    }
  }
  const values = tensors.map((pair): LoraValues => ({ ...pair, module: pair.module as TargetModule }));
  return { shape: { r, lora_alpha, target_modules, use_rslora }, values };
}

/**
 * Checks that copies of embeddings beside an adapter are the base model's own: others would have to be trained on.
 * Reads the base's tensor only where there is a copy.
 * @returns a remark on each
 * @throws peft.base for one that differs, with the first element
 */
export async function checkCopies(
  copies: readonly EmbeddingCopy[],
  files: WeightFiles,
  config: ModelConfig,
): Promise<string[]> {
  const weights = withHubNames(files);
  const remarks: string[] = [];
  for (const { name, tensor } of copies) {
    const own = name === 'lm_head.weight' && config.tieWordEmbeddings ? 'model.embed_tokens.weight' : name;
    const found = widenToF32(tensor);
    const base = widenToF32(await weights.read(own));
    const at = found.length === base.length ? found.findIndex((value, i) => value !== base[i]) : 0;
    check(
      at < 0,
      'peft.base',
      `the adapter holds a copy of ${name} that is not the base model's ${own}: it differs at element ${at}`,
      'It was trained, or comes from another base model. Only LoRA on the linears of the language model is supported.',
    );
    remarks.push(`The adapter holds an unchanged copy of the base model's ${own}; it is left aside.`);
  }
  return remarks;
}
