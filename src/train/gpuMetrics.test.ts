// What a step's record says of the GPU, on a device that counts.

import { beforeAll, expect, test } from 'vitest';
import { createGpu } from '../gpu/gpu';
import { createCountingDevice, defineGpuConstants } from '../gpu/testing/countingDevice';
import { watchGpu } from './gpuMetrics';

beforeAll(defineGpuConstants);

test('a step’s record has the bytes of every owner at the peak, and the submissions of this step alone', async () => {
  const { device, info } = createCountingDevice({ adapterClass: 'gpu' });
  const gpu = createGpu(device, { info });
  const weights = gpu.persistent([1000]);
  gpu.rec.clear(weights);
  await gpu.rec.submit();
  const took = watchGpu(gpu);
  const scope = gpu.rec.scope();
  const kept = scope.tensor([2 ** 21]);
  scope.tensor([256], 'f32', 'kv');
  gpu.rec.clear(kept);
  await gpu.rec.submit();
  scope.release();
  const metrics = took();
  expect(metrics).toMatchObject({
    'gpu_memory/weights': 4000,
    'gpu_memory/workspace': 2 ** 23,
    'gpu_memory/kv': 1024,
    'gpu_memory/idle': 0,
    'gpu/submissions': 1,
    'gpu/dispatches': 0,
  });
  const owners = Object.entries(metrics).filter(([name]) => /^gpu_memory\/(?!peak)/.test(name));
  expect(owners.reduce((sum, [, bytes]) => sum + bytes, 0)).toBe(metrics['gpu_memory/peak']);
});
