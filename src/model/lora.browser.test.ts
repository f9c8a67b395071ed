import { describe, expect, it } from 'vitest';
import { withGpu, type GpuBench } from '../gpu/testGpu';
import { parseModelConfig, type ModelConfig } from './config';
import { createAdapter, frozenCopy, initialValues, loadValues, packValues, releaseCopy } from './lora';

async function modelConfig(): Promise<ModelConfig> {
  const response = await fetch('/reference/model/d32/config.json');
  return parseModelConfig(await response.json());
}

const OPTIONS = { r: 6, lora_alpha: 12, target_modules: ['q_proj', 'v_proj'] };

async function withAdapter(
  use: (bench: GpuBench, adapter: ReturnType<typeof createAdapter>) => Promise<void>,
): Promise<void> {
  const config = await modelConfig();
  await withGpu('software', async (bench) => {
    const adapter = createAdapter(bench.gpu, config, OPTIONS);
    try {
      await use(bench, adapter);
    } finally {
      await bench.rec.submit();
      bench.gpu.free(adapter.weight, adapter.gradient, adapter.moment1, adapter.moment2);
    }
  });
}

describe('createAdapter', () => {
  it('scales by alpha / r, with rslora by alpha / sqrt(r)', async () => {
    const config = await modelConfig();
    await withGpu('software', async ({ gpu }) => {
      expect(createAdapter(gpu, config, OPTIONS).scale).toBe(2);
      expect(createAdapter(gpu, config, { ...OPTIONS, use_rslora: true }).scale).toBe(12 / Math.sqrt(6));
    });
  });
});

describe('an adapter beyond one binding', () => {
  it('is refused by its rank and modules', async () => {
    const config = await modelConfig();
    await withGpu('software', async ({ gpu }) => {
      const { adapter: before } = gpu.memory().bytes;
      const device = { limits: { maxBufferSize: 2 ** 20, maxStorageBufferBindingSize: 4096 } } as unknown as GPUDevice;
      expect(() => createAdapter({ ...gpu, device }, config, { ...OPTIONS, r: 64 })).toThrow(
        expect.objectContaining({
          code: 'lora.tooLarge',
          message: expect.stringMatching(
            /^r 64 with target_modules \[q_proj, v_proj\] makes \d+ parameters, .* binds at most 4096$/,
          ) as string,
        }) as Error,
      );
      expect(gpu.memory().bytes.adapter).toBe(before);
    });
  });
});

describe('initialValues', () => {
  it('draws each module alike whatever else is adapted', async () => {
    const config = await modelConfig();
    await withGpu('software', async ({ gpu }) => {
      const some = initialValues(createAdapter(gpu, config, OPTIONS), 42, false);
      const more = createAdapter(gpu, config, {
        ...OPTIONS,
        target_modules: ['q_proj', 'k_proj', 'v_proj', 'up_proj'],
      });
      const all = initialValues(more, 42, false);
      expect(some).toHaveLength(2 * config.layers);
      for (const value of some) expect(all).toContainEqual(value);
    });
  });
});

describe('frozenCopy', () => {
  it('keeps the weights of its time and cannot be trained', () =>
    withAdapter(async ({ gpu, read }, adapter) => {
      const [before, after] = [initialValues(adapter, 1, false), initialValues(adapter, 2, false)];
      loadValues(gpu, adapter, before);
      const copy = frozenCopy(gpu, adapter);
      loadValues(gpu, adapter, after);
      const [own, frozen] = await read(adapter.weight, copy.weight);
      expect(frozen).toEqual(packValues(adapter, before));
      expect(own).toEqual(packValues(adapter, after));
      expect(copy).toMatchObject({ r: 6, scale: 2, factors: adapter.factors });
      for (const tensor of [copy.gradient, copy.moment1, copy.moment2]) expect(tensor.shape).toEqual([0]);
      releaseCopy(gpu, copy);
      // The adapter's own buffers are not touched by that.
      expect((await read(adapter.weight))[0]).toEqual(own);
    }));
});
