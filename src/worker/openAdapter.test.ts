// @vitest-environment node
// Adapters of the demo model, as other programs save them.

import { beforeAll, describe, expect, test } from 'vitest';
import { exportPeftAdapter, type LoraPair } from '../formats/peft';
import { parseSafetensors, writeSafetensors } from '../formats/safetensors';
import { moduleShape } from '../model/adapterShape';
import type { AdapterSource } from '../protocol/messages';
import { presets } from '../recipe/presets';
import { openAdapter } from './openAdapter';
import { openModel, type OpenModel } from './openModel';
import { demoFile, demoFolder } from '../base/testing/demoFolder';

const R = 4;
let model: OpenModel;
beforeAll(async () => {
  model = await openModel({ kind: 'files', name: 'demo', files: demoFolder() });
});

function pair(layer: number): LoraPair {
  const { in: inner, out } = moduleShape(model.config, 'q_proj');
  return { layer, module: 'q_proj', A: new Float32Array(R * inner), B: new Float32Array(out * R), in: inner, out };
}

/** A zero adapter of r 4 on q_proj. @param more tensors beside it @param change of its config */
function adapter(more: Parameters<typeof writeSafetensors>[0] = [], change: object = {}): AdapterSource {
  const made = exportPeftAdapter({
    ...{ r: R, lora_alpha: 8, lora_dropout: 0, target_modules: ['q_proj'], use_rslora: false },
    base_model_name_or_path: 'demo/model',
    tensors: Array.from({ length: model.config.layers }, (_, layer) => pair(layer)),
  });
  const own = [...parseSafetensors(made['adapter_model.safetensors']).tensors].map(([name, tensor]) => ({
    name,
    ...tensor,
  }));
  const config = JSON.parse(new TextDecoder().decode(made['adapter_config.json'])) as object;
  return {
    name: 'mine',
    config: JSON.stringify({ ...config, ...change }),
    weights: new Blob([writeSafetensors([...own, ...more]).slice()]),
  };
}

test('an adapter’s shape takes the place of the recipe’s', async () => {
  const open = await openAdapter(adapter(), presets.demo, model);
  expect(open.recipe.lora).toMatchObject({ r: R, lora_alpha: 8, target_modules: ['q_proj'] });
  expect(open.values).toHaveLength(model.config.layers);
  expect(open.notices).toEqual([]);
});

test('an adapter whose target_modules is a pattern starts a run with the modules of its tensors, which is said', async () => {
  const open = await openAdapter(adapter([], { target_modules: '^(?!.*visual).*(?:q_proj).*' }), presets.demo, model);
  expect(open.recipe.lora.target_modules).toEqual(['q_proj']);
  expect(open.notices).toMatchObject([{ level: 'info', message: expect.stringMatching(/is a pattern/) as string }]);
});

describe('a copy of the embedding beside the adapter', () => {
  const embedding = () => parseSafetensors(demoFile('model.safetensors')).tensors.get('model.embed_tokens.weight')!;
  const HEAD = 'base_model.model.lm_head.weight';

  test('is left aside with a remark where it is the base model’s own', async () => {
    const open = await openAdapter(adapter([{ name: HEAD, ...embedding() }]), presets.demo, model);
    expect(open.values).toHaveLength(model.config.layers);
    expect(open.notices).toMatchObject([
      {
        message: "The adapter holds an unchanged copy of the base model's model.embed_tokens.weight; it is left aside.",
      },
    ]);
  });

  test('is refused where it differs', async () => {
    const { bytes, ...rest } = embedding();
    const other = bytes.slice();
    other[2 * 7]! ^= 1;
    await expect(
      openAdapter(adapter([{ name: HEAD, ...rest, bytes: other }]), presets.demo, model),
    ).rejects.toMatchObject({
      code: 'peft.base',
      message: expect.stringMatching(/copy of lm_head\.weight .* differs at element \d+$/) as string,
    });
  });
});
