// @vitest-environment node
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { referenceFolder } from '../../tools/vite/referencePlugin.mjs';
import { importPeftAdapter } from '../formats/peft';
import { parseModelConfig } from './config';
import { checkAgainstBase } from './importedAdapter';

const bytes = (path: string) => new Uint8Array(readFileSync(join(referenceFolder(), path)));
const json = (path: string) => JSON.parse(new TextDecoder().decode(bytes(path))) as unknown;

const config = parseModelConfig(json('model/d32/config.json'), json('model/d32/generation_config.json'));
const adapter = importPeftAdapter({
  'adapter_config.json': bytes('lora/all/adapter/adapter_config.json'),
  'adapter_model.safetensors': bytes('lora/all/adapter/adapter_model.safetensors'),
});

describe('checkAgainstBase', () => {
  it('takes an adapter of this base model, with its shape and all values', () => {
    const { shape, values } = checkAgainstBase(adapter, config);
    expect(shape).toEqual({
      r: 8,
      lora_alpha: 16,
      target_modules: ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'],
      use_rslora: false,
    });
    expect(values).toEqual(adapter.tensors);
  });

  const q = adapter.tensors[0]!;
  const changed = (change: Partial<typeof q>) => ({
    ...adapter,
    tensors: [{ ...q, ...change }, ...adapter.tensors.slice(1)],
  });
  it.each([
    {
      name: 'a layer that the base lacks',
      given: { ...adapter, tensors: [...adapter.tensors, { ...q, layer: 2 }] },
      base: config,
      message: /layers\.2\.self_attn\.q_proj\.lora_A.*2 layers, 0 to 1/,
    },
    {
      name: 'another input width',
      given: changed({ in: 2048 }),
      base: config,
      message: /layers\.0\.self_attn\.q_proj\.lora_A of shape \(8, 2048\).*needs \(8, 128\)/,
    },
    {
      name: 'another output width',
      given: changed({ out: 256 }),
      base: config,
      message: /q_proj\.lora_B of shape \(256, 8\).*needs \(128, 8\)/,
    },
    {
      name: 'fewer layers than the base has',
      given: adapter,
      base: { ...config, layers: 3 },
      message: /no layers\.2\.self_attn\.q_proj\.lora_A; the base model has 3 layers/,
    },
    {
      name: 'a target without factors in one layer',
      given: { ...adapter, tensors: adapter.tensors.filter((t) => t.layer !== 1 || t.module !== 'up_proj') },
      base: config,
      message: /no layers\.1\.mlp\.up_proj\.lora_A/,
    },
  ])('refuses by name: $name', ({ given, base, message }) => {
    expect(() => checkAgainstBase(given, base)).toThrow(
      expect.objectContaining({ code: 'peft.base', message: expect.stringMatching(message) as string }) as Error,
    );
  });
});
