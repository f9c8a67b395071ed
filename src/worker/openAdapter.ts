// The adapter that a run starts from: PEFT's start, or an imported one, checked against the base model before use.

import { importPeftAdapter } from '../formats/peft';
import type { Gpu } from '../gpu/gpu';
import type { ModelConfig } from '../model/config';
import { checkAgainstBase, checkCopies } from '../model/importedAdapter';
import {
  checkAdapterOptions,
  createAdapter,
  initialValues,
  loadValues,
  type LoraAdapter,
  type LoraValues,
} from '../model/lora';
import type { AdapterSource, NoticeEvent } from '../protocol/messages';
import type { Recipe } from '../recipe/config';
import type { OpenModel } from './openModel';

/** An adapter that fits the base model; nothing is on the GPU yet. */
export interface OpenAdapter {
  /** The run's, with the shape of the adapter in use. */
  recipe: Recipe;
  /** null: PEFT's start. */
  values: LoraValues[] | null;
  /** What the user should know of the files. */
  notices: NoticeEvent[];
}

/**
 * Reads and checks what a run starts from.
 * @param source left out: a fresh adapter of the recipe's shape @param model the base, of which hardly anything is read
 * @throws peft.*, safetensors.*, lora.rank, lora.targets
 */
export async function openAdapter(
  source: AdapterSource | undefined,
  recipe: Recipe,
  { config, weights }: Pick<OpenModel, 'config' | 'weights'>,
): Promise<OpenAdapter> {
  if (!source) {
    checkAdapterOptions(config, recipe.lora);
    return { recipe, values: null, notices: [] };
  }
  const imported = importPeftAdapter({
    'adapter_config.json': new TextEncoder().encode(source.config),
    'adapter_model.safetensors': new Uint8Array(await source.weights.arrayBuffer()),
  });
  const { shape, values } = checkAgainstBase(imported, config);
  const remarks = [...imported.notes, ...(await checkCopies(imported.copies, weights, config))];
  const notices = remarks.map((message): NoticeEvent => ({
    type: 'notice',
    level: 'info',
    code: 'peft.note',
    message,
  }));
  return { recipe: { ...recipe, lora: { ...recipe.lora, ...shape } }, values, notices };
}

/** Puts the adapter on the GPU. @param seed of a fresh adapter's start */
export function uploadAdapter(
  gpu: Gpu,
  config: ModelConfig,
  { recipe: { lora }, values }: OpenAdapter,
  seed: number,
): LoraAdapter {
  const adapter = createAdapter(gpu, config, lora);
  loadValues(gpu, adapter, values ?? initialValues(adapter, seed, lora.init_lora_weights));
  return adapter;
}
