// @vitest-environment node
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { referenceFolder } from '../../tools/vite/referencePlugin.mjs';
import { exportPeftAdapter, importPeftAdapter } from './peft';
import { parseSafetensors, writeSafetensors } from './safetensors';

const FOLDERS = { qv: 'grpo/qv/adapter', old: 'grpo/qv/adapter_old', all: 'lora/all/adapter' };
type Name = keyof typeof FOLDERS;

function reference(name: Name): Record<string, Uint8Array> {
  const folder = join(referenceFolder(), FOLDERS[name]);
  const read = (file: string) => new Uint8Array(readFileSync(join(folder, file)));
  return {
    'adapter_config.json': read('adapter_config.json'),
    'adapter_model.safetensors': read('adapter_model.safetensors'),
  };
}

function withConfig(changes: Record<string, unknown>): Record<string, Uint8Array> {
  const files = reference('qv');
  const config = JSON.parse(new TextDecoder().decode(files['adapter_config.json'])) as Record<string, unknown>;
  return { ...files, 'adapter_config.json': new TextEncoder().encode(JSON.stringify({ ...config, ...changes })) };
}

/** The reference adapter `qv` with its tensors renamed, changed or left out (null). */
function withTensors(change: (name: string) => string | null): Record<string, Uint8Array> {
  const files = reference('qv');
  const tensors = [...parseSafetensors(files['adapter_model.safetensors']!).tensors].flatMap(([name, tensor]) => {
    const changed = change(name);
    return changed === null ? [] : [{ name: changed, ...tensor }];
  });
  return { ...files, 'adapter_model.safetensors': writeSafetensors(tensors) };
}

describe('importPeftAdapter', () => {
  it('reads adapters saved by PEFT', () => {
    const qv = importPeftAdapter(reference('qv'));
    expect(qv).toMatchObject({ r: 8, lora_alpha: 16, lora_dropout: 0, target_modules: ['v_proj', 'q_proj'] });
    expect(qv.tensors.map((pair) => `${pair.layer}.${pair.module}`)).toEqual(
      [0, 1].flatMap((layer) => [`${layer}.q_proj`, `${layer}.v_proj`]),
    );
    expect(qv.tensors[1]).toMatchObject({ in: 128, out: 32 });
    expect(importPeftAdapter(reference('all')).tensors).toHaveLength(14);
  });

  it('reads the older key form to the same adapter', () => {
    const old = withTensors((name) => name.replace('model.language_model.layers', 'model.layers'));
    expect(importPeftAdapter(old).tensors).toEqual(importPeftAdapter(reference('qv')).tensors);
  });

  // Written by ms-swift, LLaMA-Factory and Unsloth; the last one would take an engine of regular expressions ages.
  it.each([
    '^(model\\.language_model(?=\\.).*\\.(q_proj|v_proj))$',
    '^(?!.*visual).*(?:v_proj|q_proj).*',
    '(?:.*?(?:language|text).*?(?:self_attn|mlp).*?(?:q_proj|v_proj).*?)|(?:\\bmodel\\.layers\\.[\\d]{1,}\\.(?:(?:q_proj|v_proj)))',
    '((a+)+)+$',
  ])('takes the modules that the pattern %s met from the tensors, and says so', (target) => {
    const adapter = importPeftAdapter(withConfig({ target_modules: target }));
    expect(adapter.target_modules).toEqual(['q_proj', 'v_proj']);
    expect(adapter.notes).toEqual([expect.stringMatching(/target_modules is a pattern/)]);
  });

  it('takes a simple regular expression and "all-linear" apart without running them', () => {
    for (const target of ['.*language_model.*\\.(q_proj|v_proj)$', '(q_proj|v_proj)', 'all-linear']) {
      expect([...importPeftAdapter(withConfig({ target_modules: target })).target_modules].sort()).toEqual([
        'q_proj',
        'v_proj',
      ]);
    }
  });

  it('says which settings it ignored', () => {
    expect(importPeftAdapter(withConfig({ auto_mapping: { x: 1 } })).notes[0]).toMatch(/auto_mapping/);
    expect(importPeftAdapter(reference('qv')).notes).toEqual([]);
  });

  it.each(['F16', 'BF16'] as const)('reads %s tensors to the numbers that they stand for', (dtype) => {
    // 1.5, -2 and 0.25 in each type's bits, repeated.
    const bits = dtype === 'F16' ? [0x3e00, 0xc000, 0x3400] : [0x3fc0, 0xc000, 0x3e80];
    const files = reference('qv');
    const tensors = [...parseSafetensors(files['adapter_model.safetensors']!).tensors].map(([name, { shape }]) => {
      const words = Uint16Array.from({ length: shape[0]! * shape[1]! }, (_, i) => bits[i % 3]!);
      return { name, dtype, shape, bytes: new Uint8Array(words.buffer) };
    });
    const read = importPeftAdapter({ ...files, 'adapter_model.safetensors': writeSafetensors(tensors) });
    for (const { A, B } of read.tensors) {
      for (const values of [A, B]) values.forEach((value, i) => expect(value).toBe([1.5, -2, 0.25][i % 3]));
    }
  });

  it('reads use_rslora, and any start that leaves the base model as it is', () => {
    expect(importPeftAdapter(withConfig({ use_rslora: true })).use_rslora).toBe(true);
    expect(importPeftAdapter(withConfig({ use_rslora: null })).use_rslora).toBe(false);
    for (const start of [true, false, 'gaussian', null]) {
      expect(importPeftAdapter(withConfig({ init_lora_weights: start })).r).toBe(8);
    }
  });

  const first = /layers\.0\.self_attn\.q_proj\.lora_A/;
  const bad: [string, Record<string, Uint8Array>, string, RegExp][] = [
    ['missing weights', { 'adapter_config.json': new Uint8Array() }, 'peft.missing', /adapter_model.safetensors/],
    ['broken config', { ...reference('qv'), 'adapter_config.json': new Uint8Array([0x7b]) }, 'peft.config', /JSON/],
    ['another method', withConfig({ peft_type: 'IA3' }), 'peft.unsupported', /IA3/],
    ['r = 0', withConfig({ r: 0 }), 'peft.config', /r must be/],
    ['r of other tensors', withConfig({ r: 4 }), 'peft.shape', /\(8, 128\), expected \(4, in\)/],
    ['alpha NaN', withConfig({ lora_alpha: 'NaN' }), 'peft.config', /lora_alpha/],
    ['dropout 1', withConfig({ lora_dropout: 1 }), 'peft.config', /lora_dropout/],
    ['unknown target', withConfig({ target_modules: ['qkv'] }), 'peft.target', /"qkv"/],
    [
      'target named like an object member',
      withConfig({ target_modules: ['constructor'] }),
      'peft.target',
      /constructor/,
    ],
    ['tensors of no target', withConfig({ target_modules: ['q_proj'] }), 'peft.target', /v_proj/],
    [
      'target without tensors',
      withConfig({ target_modules: ['q_proj', 'v_proj', 'o_proj'] }),
      'peft.missingTensor',
      /o_proj/,
    ],
    ['rslora of another type', withConfig({ use_rslora: 'yes' }), 'peft.config', /use_rslora.*"yes"/],
    ['PiSSA', withConfig({ init_lora_weights: 'pissa_niter_4' }), 'peft.unsupported', /"pissa_niter_4"/],
    ['OLoRA', withConfig({ init_lora_weights: 'olora' }), 'peft.unsupported', /"olora"/],
    ['modules_to_save', withConfig({ modules_to_save: ['lm_head'] }), 'peft.unsupported', /modules_to_save.*lm_head/],
    ['alpha pattern', withConfig({ alpha_pattern: { q_proj: 4 } }), 'peft.unsupported', /alpha_pattern/],
    ['DoRA', withConfig({ use_dora: true }), 'peft.unsupported', /use_dora/],
    ['biases', withConfig({ bias: 'all' }), 'peft.unsupported', /bias/],
    ['rank pattern', withConfig({ rank_pattern: { q_proj: 4 } }), 'peft.unsupported', /rank_pattern/],
    [
      'vision adapter',
      withTensors((name) => name.replace('language_model.layers', 'visual.blocks')),
      'peft.keys',
      /visual/,
    ],
    [
      'module in the wrong block',
      withTensors((name) => name.replace('self_attn', 'mlp')),
      'peft.keys',
      /mlp\.[qv]_proj/,
    ],
    ['half a pair', withTensors((name) => (first.test(name) ? null : name)), 'peft.missingTensor', /lora_A is missing/],
    ['a missing layer', withTensors((name) => (name.includes('.0.') ? null : name)), 'peft.missingTensor', /layer 0/],
  ];
  it.each(bad)('refuses by name: %s', (_, files, code, message) => {
    try {
      importPeftAdapter(files);
    } catch (error) {
      expect(error).toMatchObject({ code, message: expect.stringMatching(message) as string });
      return;
    }
    throw new Error('nothing was thrown');
  });
});

describe('exportPeftAdapter', () => {
  it.each(['qv', 'old', 'all'] as const)('gives the same bytes of weights that PEFT saved: %s', (name) => {
    const files = exportPeftAdapter(importPeftAdapter(reference(name)));
    expect(files['adapter_model.safetensors']).toEqual(reference(name)['adapter_model.safetensors']);
  });

  it('keeps the vision tower out exactly when a target also exists there', () => {
    const config = (name: Name) => {
      const files = exportPeftAdapter(importPeftAdapter(reference(name)));
      return JSON.parse(new TextDecoder().decode(files['adapter_config.json'])) as Record<string, unknown>;
    };
    expect(config('all').exclude_modules).toBe('.*visual.*');
    expect(config('qv')).not.toHaveProperty('exclude_modules');
    expect(config('qv')).toMatchObject({
      peft_type: 'LORA',
      task_type: 'CAUSAL_LM',
      r: 8,
      lora_alpha: 16,
      bias: 'none',
    });
  });

  it('writes the scale that the adapter was trained with, and a start that leaves the base model alone', () => {
    const adapter = importPeftAdapter(withConfig({ use_rslora: true, init_lora_weights: 'gaussian' }));
    const files = exportPeftAdapter(adapter);
    const config = JSON.parse(new TextDecoder().decode(files['adapter_config.json'])) as Record<string, unknown>;
    expect(config).toMatchObject({ use_rslora: true, init_lora_weights: true });
    expect(importPeftAdapter(files).use_rslora).toBe(true);
  });

  it('refuses tensors that do not fit', () => {
    const adapter = importPeftAdapter(reference('qv'));
    expect(() => exportPeftAdapter({ ...adapter, r: 4 })).toThrow(/expected 4 x 128/);
    expect(() => exportPeftAdapter({ ...adapter, target_modules: ['q_proj'] })).toThrow(/"v_proj" is not among/);
  });
});
