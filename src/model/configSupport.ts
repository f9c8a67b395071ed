// Which checkpoints this program runs. Must not read sizes.

import { check } from '../base/errors';
import { checkUnquantizedConfig } from '../formats/quantization';
import { configReader } from './configReader';
import type { JsonObject } from '../base/json';

/** Hint of every error about a wrong kind of model. */
export const CHOOSE_QWEN = 'This program runs Qwen2.5-VL (3B and other sizes); choose the folder of such a checkpoint.';

/**
 * Refuses checkpoints of other architectures and options that the engine does not compute.
 * @param top config.json @param nested its text_config, if it has one
 * @throws config.architecture | config.unsupported
 */
export function checkSupported(top: JsonObject, nested: JsonObject | null): void {
  const names = Array.isArray(top.architectures) ? top.architectures : [];
  check(
    top.model_type === 'qwen2_5_vl' || names.includes('Qwen2_5_VLForConditionalGeneration'),
    'config.architecture',
    `config.json: unsupported model type ${JSON.stringify(top.model_type)} (${names.join(', ') || 'no architecture named'})`,
    CHOOSE_QWEN,
  );
  const text = configReader('config.json', nested, top);
  const activation = text.find('hidden_act') ?? 'silu';
  check(
    activation === 'silu',
    'config.unsupported',
    `config.json: hidden_act must be "silu", found ${String(activation)}`,
  );
  const sliding = text.find('use_sliding_window') ?? false;
  check(sliding === false, 'config.unsupported', 'config.json: sliding-window attention is not supported');
  const dropout = text.find('attention_dropout') ?? 0;
  check(dropout === 0, 'config.unsupported', `config.json: attention_dropout must be 0, found ${String(dropout)}`);
  checkUnquantizedConfig(top, nested);
}
