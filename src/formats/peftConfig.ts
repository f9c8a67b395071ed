// adapter_config.json as PEFT writes and reads it, the LoRA part that this program supports. Must not touch tensors.
// Source: peft 0.21 LoraConfig; regular expressions in it are never run.

import { check, LorikeetError } from '../base/errors';
import { isJsonObject } from '../base/json';
import type { TargetModule } from '../base/targetModules';

/** Linears of a decoder layer that an adapter may have, and the block that holds each. */
export const LORA_BLOCK: Record<string, 'self_attn' | 'mlp'> = {
  q_proj: 'self_attn',
  k_proj: 'self_attn',
  v_proj: 'self_attn',
  o_proj: 'self_attn',
  gate_proj: 'mlp',
  up_proj: 'mlp',
  down_proj: 'mlp',
} satisfies Record<TargetModule, 'self_attn' | 'mlp'>;

/** The settings shared by export and import, in PEFT's names. */
export interface LoraSettings {
  r: number;
  lora_alpha: number;
  lora_dropout: number;
  /** Names of LORA_BLOCK. */
  target_modules: string[];
  /** Scale alpha / sqrt(r) instead of alpha / r. */
  use_rslora: boolean;
  base_model_name_or_path: string;
}

export interface ParsedAdapterConfig extends LoraSettings {
  /** Remarks on settings that were read and ignored, or read another way. */
  notes: string[];
}

const FILE = 'adapter_config.json';

/** The config's text. The vision tower is excluded where its linears have the names of targets. */
export function writeAdapterConfig(settings: LoraSettings): string {
  const { base_model_name_or_path, r, lora_alpha, lora_dropout, target_modules, use_rslora } = settings;
  const meetsVision = target_modules.some((name) => LORA_BLOCK[name] === 'mlp');
  const config = {
    base_model_name_or_path,
    bias: 'none',
    ...(meetsVision ? { exclude_modules: '.*visual.*' } : {}),
    fan_in_fan_out: false,
    inference_mode: true,
    // What the weights once started from is not needed; other values make PEFT change or factorise the base weights.
    init_lora_weights: true,
    lora_alpha,
    lora_dropout,
    modules_to_save: null,
    peft_type: 'LORA',
    r,
    target_modules,
    task_type: 'CAUSAL_LM',
    use_dora: false,
    use_rslora,
  };
  return JSON.stringify(config, null, 2) + '\n';
}

/**
 * Parses and checks the config.
 * @returns settings; `target_modules` is empty for "all-linear" and for patterns: the tensors then tell
 * @throws LorikeetError peft.config | peft.unsupported | peft.target
 */
export function parseAdapterConfig(bytes: Uint8Array): ParsedAdapterConfig {
  const config = parseObject(bytes);
  const type = config.peft_type;
  check(type === 'LORA', 'peft.unsupported', `${FILE}: peft_type must be "LORA", found ${JSON.stringify(type)}`);
  refuseUnsupported(config);
  const { r, lora_alpha: alpha, lora_dropout: dropout = 0, base_model_name_or_path: base } = config;
  const rslora = config.use_rslora ?? false;
  const rank = typeof r === 'number' && Number.isSafeInteger(r) && r > 0;
  check(rank, 'peft.config', `${FILE}: r must be a whole number above 0, found ${JSON.stringify(r)}`);
  const scaled = typeof alpha === 'number' && Number.isFinite(alpha) && alpha > 0;
  check(scaled, 'peft.config', `${FILE}: lora_alpha must be a number above 0, found ${JSON.stringify(alpha)}`);
  const dropped = typeof dropout === 'number' && dropout >= 0 && dropout < 1;
  check(dropped, 'peft.config', `${FILE}: lora_dropout must be in [0, 1), found ${JSON.stringify(dropout)}`);
  const flag = typeof rslora === 'boolean';
  check(flag, 'peft.config', `${FILE}: use_rslora must be true or false, found ${JSON.stringify(rslora)}`);
  const targets = parseTargets(config.target_modules);
  const ignored = IGNORED.filter((key) => isSet(config[key])).map((key) => `${FILE}: "${key}" was ignored`);
  return {
    r,
    lora_alpha: alpha,
    lora_dropout: dropout,
    target_modules: targets ?? [],
    use_rslora: rslora,
    base_model_name_or_path: typeof base === 'string' ? base : '',
    notes: targets
      ? ignored
      : [...ignored, `${FILE}: target_modules is a pattern; the modules are those of the tensors`],
  };
}

const IGNORED = ['auto_mapping', 'trust_remote_code', 'revision'];

/** Settings that would change the numbers, in any value but absent, null, false or empty. */
const UNSUPPORTED = [
  'use_dora',
  'use_qalora',
  'use_bdlora',
  'lora_bias',
  'fan_in_fan_out',
  'modules_to_save',
  'rank_pattern',
  'alpha_pattern',
  'layers_to_transform',
  'layers_pattern',
  'layer_replication',
  'target_parameters',
  'trainable_token_indices',
  'alora_invocation_tokens',
  'arrow_config',
  'kasa_config',
  'velora_config',
  'monteclora_config',
];

/** Starts that leave the base weights and the meaning of A and B as they are; `pissa`, `olora` and the like do not. */
const PLAIN_STARTS: unknown[] = [true, false, 'gaussian', 'eva', 'orthogonal'];

function isSet(value: unknown): boolean {
  if (value === undefined || value === null || value === false) return false;
  return typeof value !== 'object' || Object.keys(value).length > 0;
}

function refuseUnsupported(config: Record<string, unknown>): void {
  for (const key of UNSUPPORTED) {
    check(
      !isSet(config[key]),
      'peft.unsupported',
      `${FILE}: "${key}" is ${JSON.stringify(config[key])}, which this program does not support`,
      'Use a plain LoRA adapter.',
    );
  }
  const start = config.init_lora_weights ?? true;
  check(
    PLAIN_STARTS.includes(start),
    'peft.unsupported',
    `${FILE}: init_lora_weights is ${JSON.stringify(start)}, which trains on a changed base model or a frozen factor`,
    'Convert the adapter with path_initial_model_for_weight_conversion of save_pretrained, or use a plain LoRA adapter.',
  );
  const bias = config.bias ?? 'none';
  check(bias === 'none', 'peft.unsupported', `${FILE}: bias must be "none", found ${JSON.stringify(bias)}`);
}

/** Alternatives behind an optional `.*` prefix, e.g. `.*language_model.*\.(q_proj|v_proj)`: the subset that is parsed. */
const SIMPLE_REGEX = /^\^?(?:[\w.*\\]*(?:\.\*|\\\.|\.))?\(?(?:\?:)?(\w+(?:\|\w+)*)\)?\$?$/;

/** The modules by name; null for a pattern that is not read: what it met, PEFT has saved as tensors. */
function parseTargets(value: unknown): string[] | null {
  if (value === 'all-linear') return [];
  let names: unknown[] = Array.isArray(value) ? value : [];
  if (typeof value === 'string') {
    const match = value.length <= 200 ? SIMPLE_REGEX.exec(value) : null;
    if (!match) return null;
    names = match[1]!.split('|');
  }
  check(names.length > 0, 'peft.target', `${FILE}: target_modules names no module: ${JSON.stringify(value)}`);
  const targets = names.map((name) => {
    const last = typeof name === 'string' ? name.slice(name.lastIndexOf('.') + 1) : '';
    check(
      Object.hasOwn(LORA_BLOCK, last),
      'peft.target',
      `${FILE}: unknown target module ${JSON.stringify(name)}; known: ${Object.keys(LORA_BLOCK).join(', ')}`,
    );
    return last;
  });
  return [...new Set(targets)];
}

function parseObject(bytes: Uint8Array): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new LorikeetError('peft.config', `${FILE}: not valid JSON: ${String(error)}`);
  }
  check(isJsonObject(value), 'peft.config', `${FILE}: expected a JSON object`);
  return value;
}
