// GPU memory on a real device: who owns what, what is reused, what is given back and when.

import { describe, expect, it } from 'vitest';
import { createBufferPool, LARGE_BYTES } from './bufferPool';
import { requestDevice } from './device';
import { createGpu, type Gpu, type GpuOptions } from './gpu';
import { createLedger } from './memory';

async function ownGpu(options: GpuOptions = {}): Promise<Gpu> {
  const { device, info } = await requestDevice();
  return createGpu(device, { info, debug: true, ...options });
}

async function ownPool() {
  const { device } = await requestDevice();
  const ledger = createLedger(device);
  return { ledger, pool: createBufferPool(device, ledger), device };
}

const MIB = 2 ** 20;

describe('bytes by owner', () => {
  it('count every buffer with its owner, from its making to its end', async () => {
    const gpu = await ownGpu();
    const before = gpu.memory().bytes;
    const weights = gpu.persistent([1000]);
    const adapter = gpu.persistent([3], Float32Array.of(1, 2, 3), 'adapter');
    const scope = gpu.rec.scope();
    scope.tensor([64]);
    scope.tensor([128], 'f32', 'kv');
    scope.tensor([256], 'f32', 'features');
    const { bytes, total } = gpu.memory();
    expect(bytes).toEqual({ ...before, weights: 4000, adapter: 12, workspace: 256, kv: 512, features: 1024, idle: 0 });
    expect(total).toBe(Object.values(bytes).reduce((sum, part) => sum + part, 0));
    scope.release();
    expect(gpu.memory().bytes).toMatchObject({ workspace: 0, kv: 0, features: 0, idle: 256 + 512 + 1024 });
    gpu.free(weights, adapter);
    gpu.trim();
    await gpu.rec.submit();
    expect(gpu.memory().bytes).toMatchObject({ weights: 0, adapter: 0, idle: 0, workspace: 0 });
  });

  it('remember the peak since a mark, and what it was made of', async () => {
    const gpu = await ownGpu();
    const large = gpu.persistent([MIB]);
    gpu.free(large);
    await gpu.rec.submit();
    expect(gpu.memory().peak.bytes.weights).toBe(4 * MIB);
    gpu.markMemory();
    gpu.persistent([10]);
    const { peak, total } = gpu.memory();
    expect(peak.bytes.weights).toBe(40);
    expect(peak.total).toBe(total);
  });

  it('do not count what debugging alone needs', async () => {
    const gpu = await ownGpu();
    const scope = gpu.rec.scope();
    scope.tensor([MIB]);
    const { total } = gpu.memory();
    scope.release();
    await gpu.rec.submit();
    expect(gpu.memory().total - total).toBeLessThan(MIB);
  });

  it('return to nothing but weights after large reads and uploads once trimmed', async () => {
    const gpu = await ownGpu();
    const x = gpu.persistent([6 * MIB]);
    const values = Float32Array.from({ length: 6 * MIB }, (_, i) => i);
    gpu.rec.upload(x, values);
    const [bytes] = await gpu.rec.read(x);
    expect(new Float32Array(bytes).findIndex((value, i) => value !== i)).toBe(-1);
    expect(gpu.memory().peak.bytes.staging).toBeLessThan(17 * MIB);
    gpu.trim();
    await gpu.rec.submit();
    expect(gpu.memory().bytes).toEqual({
      weights: 24 * MIB,
      adapter: 0,
      workspace: 0,
      kv: 0,
      features: 0,
      staging: 0,
      idle: 0,
    });
  });
});

describe('giving back', () => {
  it('waits for the commands that use a buffer, and frees it with their submission', async () => {
    const gpu = await ownGpu();
    const from = gpu.persistent([2], Float32Array.of(5, 7));
    const to = gpu.persistent([2]);
    gpu.rec.copy(from, to);
    gpu.free(from);
    expect(gpu.memory().bytes.weights).toBe(16);
    const [bytes] = await gpu.rec.read(to);
    gpu.assertHealthy();
    expect(Array.from(new Float32Array(bytes))).toEqual([5, 7]);
    expect(gpu.memory().bytes.weights).toBe(8);
  });

  it('is refused a second time', async () => {
    const gpu = await ownGpu();
    const x = gpu.persistent([2]);
    gpu.free(x);
    expect(() => gpu.free(x)).toThrow(expect.objectContaining({ code: 'gpu.freedTwice' }) as Error);
  });

  it('ends every use: a freed buffer is refused by name in debug mode', async () => {
    const gpu = await ownGpu();
    const x = gpu.persistent([2]);
    gpu.free(x);
    const refused = expect.objectContaining({ code: 'gpu.usedAfterFree' }) as Error;
    expect(() => gpu.rec.upload(x, Float32Array.of(1))).toThrow(refused);
    expect(() => gpu.rec.clear(x)).toThrow(refused);
    expect(() => gpu.rec.copy(x, gpu.persistent([2]))).toThrow(refused);
    expect(() => gpu.rec.read(x)).toThrow(refused);
    const bindings = { y: x };
    const kernel = { name: 'unused test', source: '' };
    expect(() => gpu.rec.dispatch(kernel, { bindings, grid: [1], flops: 1 })).toThrow(refused);
  });

  it('frees even when a submission fails', async () => {
    const gpu = await ownGpu();
    const x = gpu.persistent([2]);
    const wrong = { name: 'wrong test', source: 'this is no shader' };
    gpu.rec.dispatch(wrong, { bindings: { x }, grid: [1], flops: 1 });
    gpu.free(x);
    await expect(gpu.rec.submit()).rejects.toMatchObject({ code: 'shader.compile' });
    expect(gpu.memory().bytes.weights).toBe(0);
  });

  it('frees what submissions behind a failed one would have freed', async () => {
    const gpu = await ownGpu({ flopBudget: 1 });
    const [x, y] = [gpu.persistent([2]), gpu.persistent([2])];
    const wrong = { name: 'wrong test', source: 'this is no shader' };
    const record = (z: typeof x) => gpu.rec.dispatch(wrong, { bindings: { z }, grid: [1], flops: 1 });
    record(x);
    record(y);
    gpu.free(x);
    record(y);
    gpu.free(y);
    await expect(gpu.rec.submit()).rejects.toMatchObject({ code: 'shader.compile' });
    expect(gpu.memory().bytes.weights).toBe(0);
  });
});

describe('a buffer that the device cannot bind', () => {
  it('is refused by size and owner before it is made', async () => {
    const gpu = await ownGpu();
    const { maxBufferSize, maxStorageBufferBindingSize } = gpu.device.limits;
    const limit = Math.min(maxBufferSize, maxStorageBufferBindingSize);
    expect(() => gpu.persistent([limit / 4 + 1], undefined, 'adapter')).toThrow(
      expect.objectContaining({
        code: 'gpu.bufferTooLarge',
        message: `A buffer of ${limit + 4} bytes (adapter) is needed; this device binds at most ${limit}.`,
      }) as Error,
    );
    expect(gpu.memory().bytes.adapter).toBe(0);
  });
});

describe('buffer pool', () => {
  it('rounds small sizes up to classes and reuses within them', async () => {
    const { pool, ledger } = await ownPool();
    const [a, b] = [pool.take(1000, 'workspace'), pool.take(1000, 'workspace')];
    expect(a).not.toBe(b);
    expect(a.size).toBeGreaterThanOrEqual(1000);
    expect(a.size).toBeLessThanOrEqual(1250);
    expect(ledger.memory().bytes).toMatchObject({ workspace: 2 * a.size, idle: 0 });
    pool.give(a);
    expect(ledger.memory().bytes).toMatchObject({ workspace: a.size, idle: a.size });
    expect(pool.take(a.size - 3, 'kv')).toBe(a);
    expect(ledger.memory().bytes).toMatchObject({ workspace: b.size, kv: a.size, idle: 0 });
    pool.give(a);
    expect(pool.trim(0)).toEqual([a]);
    expect(pool.take(1000, 'workspace')).not.toBe(a);
  });

  it('makes large buffers as large as asked for, and reuses them for the same size', async () => {
    const { pool } = await ownPool();
    const bytes = LARGE_BYTES + 12;
    const buffer = pool.take(bytes, 'workspace');
    expect(buffer.size).toBe(bytes);
    pool.give(buffer);
    expect(pool.take(bytes + 4, 'workspace')).not.toBe(buffer);
    expect(pool.take(bytes, 'workspace')).toBe(buffer);
  });

  it('refuses a buffer that the device cannot bind', async () => {
    const { pool, device } = await ownPool();
    const limit = Math.min(device.limits.maxBufferSize, device.limits.maxStorageBufferBindingSize);
    expect(() => pool.take(limit + 4, 'workspace')).toThrow(`this device binds at most ${limit}`);
  });
});

describe('work of another shape', () => {
  const numbers = LARGE_BYTES / 4;

  async function work(gpu: Gpu, shape: string, sizes: number[]): Promise<void> {
    await gpu.rec.begin(shape);
    const scope = gpu.rec.scope();
    const tensors = sizes.map((size) => scope.tensor([size]));
    gpu.rec.copy(tensors[0]!, tensors[1]!, { count: 1 });
    scope.release();
  }

  it('begins when the large buffers of the one before are freed; small ones stay', async () => {
    const gpu = await ownGpu();
    await work(gpu, 'first', [numbers, 2 * numbers, 64]);
    expect(gpu.memory().bytes.idle).toBe(3 * LARGE_BYTES + 256);
    gpu.markMemory();
    await work(gpu, 'second', [2 * numbers + 1, 64]);
    expect(gpu.memory().bytes.idle).toBe(2 * LARGE_BYTES + 4 + 256);
    expect(gpu.memory().peak.bytes.idle).toBe(3 * LARGE_BYTES + 256);
    expect(gpu.memory().peak.bytes.workspace).toBe(0);
  });

  it('of the same shape takes the buffers that are there', async () => {
    const gpu = await ownGpu();
    await work(gpu, 'first', [numbers, 2 * numbers]);
    const { total } = gpu.memory();
    gpu.markMemory();
    await work(gpu, 'first', [numbers, 2 * numbers]);
    expect(gpu.memory().peak.total).toBe(total);
  });
});
