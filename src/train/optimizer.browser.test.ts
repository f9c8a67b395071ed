// The update on a real device, where the gradient is not what it should be.

import { beforeAll, expect, test } from 'vitest';
import { requestDevice } from '../gpu/device';
import { createGpu, type Gpu } from '../gpu/gpu';
import type { LoraAdapter } from '../model/lora';
import { defaultRecipe } from '../recipe/defaultRecipe';
import { updateAdapter } from './optimizer';

let device: GPUDevice;

beforeAll(async () => {
  ({ device } = await requestDevice());
});

const COUNT = 130;
const PARTS = ['weight', 'moment1', 'moment2'] as const;

/** A small adapter with two good updates behind it. */
async function trained(gpu: Gpu): Promise<LoraAdapter> {
  const numbers = (scale: number) => Float32Array.from({ length: COUNT }, (_, i) => scale * Math.sin(i + 1));
  const tensor = (scale: number) => gpu.persistent([COUNT], numbers(scale));
  const adapter = {
    weight: tensor(0.05),
    gradient: tensor(0.3),
    moment1: gpu.persistent([COUNT]),
    moment2: gpu.persistent([COUNT]),
  } as LoraAdapter;
  for (const step of [1, 2]) await updateAdapter(gpu, adapter, defaultRecipe.sft, step, 1e-3);
  return adapter;
}

async function bits(gpu: Gpu, adapter: LoraAdapter): Promise<Uint32Array[]> {
  const read = await gpu.rec.read(...PARTS.map((part) => adapter[part]));
  return read.map((bytes) => new Uint32Array(bytes));
}

test.each([NaN, Infinity, -Infinity, 3e30])(
  'a gradient of %s leaves weights and both moments as they were, to the bit, and names the step',
  async (value) => {
    const gpu = createGpu(device, { debug: true });
    const adapter = await trained(gpu);
    const before = await bits(gpu, adapter);
    gpu.rec.upload(adapter.gradient, Float32Array.of(value), COUNT - 1);
    await expect(updateAdapter(gpu, adapter, defaultRecipe.sft, 3, 1e-3)).rejects.toMatchObject({
      code: 'train.notFinite',
      message: expect.stringMatching(/optimizer step 3 is (NaN|Infinity).*as after step 2\.$/) as string,
      hint: expect.stringContaining('learning_rate') as string,
    });
    expect(await bits(gpu, adapter)).toEqual(before);
  },
);

test('a finite gradient moves all three', async () => {
  const gpu = createGpu(device, { debug: true });
  const adapter = await trained(gpu);
  const before = await bits(gpu, adapter);
  expect(await updateAdapter(gpu, adapter, defaultRecipe.sft, 3, 1e-3)).toBeGreaterThan(0);
  const after = await bits(gpu, adapter);
  PARTS.forEach((part, i) => expect(after[i], part).not.toEqual(before[i]));
});
