// The folder that tools/parity/run_trl.py wrote, read over HTTP. Knows its form, not what is compared.

import { check } from '../../base/errors';
import { decodeTensors } from '../../reference/decodeTensors';

/** A rollout of TRL's GRPOTrainer; completions, rewards and advantages of all groups in a row. */
export interface TrlRollout {
  /** One row per group. */
  rows: number[];
  completions: number[][];
  rewards: (number | null)[][];
  /** Entry i of the shuffled batch was entry `order[i]` before. */
  order: number[];
}

export interface TrlRun {
  name: string;
  stage: 'sft' | 'grpo';
  about: string;
  seed: number;
  /** The first rows of the demo's training file. */
  rows: number;
  system_prompt: string;
  target_template: string;
  lora: Record<string, unknown>;
  /** The trainer's options, defaults included. */
  resolved: Record<string, unknown>;
  /** TRL's log, one record per step. */
  steps: Record<string, number>[];
  /** SFT: rows of each micro-batch of each step. */
  microBatches?: number[][][];
  /** SFT: tokens of each row, and 1 where a token is a label. */
  tokens?: Record<string, { ids: number[]; labels: number[] }>;
  /** GRPO. */
  rollouts?: TrlRollout[];
  /** GRPO: tokens of each row's prompt. */
  prompts?: Record<string, number[]>;
}

/** Adapter tensors by PEFT's key. */
export type AdapterTensors = Map<string, Float32Array>;

export interface TrlFolder {
  names: string[];
  run(name: string): Promise<TrlRun>;
  /** The starting adapter in PEFT's two files. */
  start(name: string): Promise<Record<string, Uint8Array>>;
  /** The adapter after each step, from step 1 on. */
  adapters(name: string, steps: number): Promise<AdapterTensors[]>;
}

async function get(url: string): Promise<Response> {
  const response = await fetch(url);
  check(response.ok, 'parity.missing', `${url}: HTTP ${response.status}`, 'Is the folder complete?');
  return response;
}

async function bytesOf(url: string): Promise<Uint8Array> {
  return new Uint8Array(await (await get(url)).arrayBuffer());
}

/** Splits `step.N.KEY` tensors by step. @throws parity.format for a step without tensors */
function bySteps(tensors: ReturnType<typeof decodeTensors>, steps: number, file: string): AdapterTensors[] {
  const out = Array.from({ length: steps }, (): AdapterTensors => new Map());
  for (const [name, { data }] of tensors) {
    const [, step, key] = /^step\.(\d+)\.(.+)$/.exec(name) ?? [];
    if (key !== undefined) out[Number(step) - 1]?.set(key, Float32Array.from(data));
  }
  const empty = out.findIndex((adapter) => adapter.size === 0);
  check(empty < 0, 'parity.format', `${file}: no adapter of step ${empty + 1}`);
  return out;
}

/** @param url address of the folder @throws parity.missing, parity.format, safetensors.* */
export async function openTrlFolder(url: string): Promise<TrlFolder> {
  const base = url.replace(/\/?$/, '/');
  const about = (await (await get(`${base}parity.json`)).json()) as { format: string; version: number; runs: string[] };
  check(
    about.format === 'lorikeet-parity' && about.version === 1,
    'parity.format',
    `${base}parity.json: format ${about.format} version ${about.version}, expected lorikeet-parity 1`,
  );
  return {
    names: about.runs,
    run: async (name) => (await (await get(`${base}${name}/run.json`)).json()) as TrlRun,
    start: async (name) => ({
      'adapter_config.json': await bytesOf(`${base}${name}/start/adapter_config.json`),
      'adapter_model.safetensors': await bytesOf(`${base}${name}/start/adapter_model.safetensors`),
    }),
    async adapters(name, steps) {
      const file = `${base}${name}/adapters.safetensors`;
      return bySteps(decodeTensors(await bytesOf(file), file), steps, file);
    },
  };
}
