// How recordings are cut, handed to the GPU, held up and stopped.

import { describe, expect, it } from 'vitest';
import { requestDevice } from './device';
import { createGpu, type Gpu, type GpuOptions } from './gpu';
import type { Kernel } from './pipelines';
import type { Tensor } from './tensor';

/** y[0] = 2 y[0] + 1: the order of calls shows. */
const STEP: Kernel = {
  name: 'step test',
  source: `
@group(0) @binding(0) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(1)
fn main() {
  y[0] = 2.0f * y[0] + 1.0f;
}
`,
};

const FLOPS = 100;

function step(gpu: Gpu, y: Tensor, flops = FLOPS): void {
  gpu.rec.dispatch(STEP, { bindings: { y }, grid: [1], flops });
}

async function openGpu(options: GpuOptions = {}): Promise<Gpu> {
  const { device, info } = await requestDevice();
  return createGpu(device, { info, debug: true, ...options });
}

async function valueOf(gpu: Gpu, y: Tensor): Promise<number> {
  const [bytes] = await gpu.rec.read(y);
  gpu.assertHealthy();
  return new Float32Array(bytes)[0]!;
}

describe('submissions', () => {
  it('have at most their budget of FLOPs, but for a dispatch that alone has more', async () => {
    const gpu = await openGpu({ flopBudget: 250 });
    const y = gpu.persistent([1]);
    for (let i = 0; i < 5; i++) step(gpu, y);
    step(gpu, y, 900);
    step(gpu, y);
    expect(await valueOf(gpu, y)).toBe(127);
    // 2 + 2 + 1, the large one, the last with the readback.
    expect(gpu.rec.counts()).toEqual({ dispatches: 7, submissions: 5, flops: 1500, largestFlops: 900 });
  });

  it('keep uploads, copies and clears in their place', async () => {
    const run = async (flopBudget: number) => {
      const gpu = await openGpu({ flopBudget });
      const [y, z] = [gpu.persistent([1]), gpu.persistent([1])];
      step(gpu, y);
      gpu.rec.upload(y, Float32Array.of(10));
      step(gpu, y);
      gpu.rec.copy(y, z);
      step(gpu, y);
      gpu.rec.clear(y);
      step(gpu, y);
      step(gpu, z);
      return [await valueOf(gpu, y), await valueOf(gpu, z)];
    };
    expect(await run(1)).toEqual([1, 43]);
    expect(await run(1e9)).toEqual([1, 43]);
  });

  it('begin while recording goes on, and recording waits when it is ahead', async () => {
    const gpu = await openGpu({ flopBudget: 1 });
    const y = gpu.persistent([1]);
    for (let i = 0; i < 8; i++) {
      step(gpu, y);
      await gpu.rec.room();
      // One part is being recorded, one may wait.
      expect(gpu.rec.counts().submissions).toBeGreaterThanOrEqual(i - 1);
    }
    expect(await valueOf(gpu, y)).toBe(255);
  });

  it('are never more than two that the GPU has not finished', async () => {
    const gpu = await openGpu({ flopBudget: 1 });
    const { queue } = gpu.device;
    let underWay = 0;
    let most = 0;
    const [submit, done] = [queue.submit.bind(queue), queue.onSubmittedWorkDone.bind(queue)];
    queue.submit = (buffers) => {
      most = Math.max(most, ++underWay);
      submit(buffers);
    };
    queue.onSubmittedWorkDone = async () => {
      const result = await done();
      underWay--;
      return result;
    };
    const y = gpu.persistent([1]);
    for (let i = 0; i < 12; i++) step(gpu, y);
    await gpu.rec.submit();
    expect(gpu.rec.counts().submissions).toBe(12);
    expect(most).toBe(2);
  });

  it('last as long as the measured rate says', async () => {
    const gpu = await openGpu();
    expect(gpu.rec.flopBudget).toBe(50e9);
    gpu.rec.setRate(1e12);
    const ofSoftware = gpu.info.adapterClass === 'software';
    expect(gpu.rec.flopBudget).toBe(ofSoftware ? 4e12 : 0.3e12);
    gpu.rec.setRate(1);
    expect(gpu.rec.flopBudget).toBe(1e9);
    expect(() => gpu.rec.setRate(NaN)).toThrow('NaN');
    expect(() => gpu.rec.setRate(Infinity)).toThrow('Infinity');
    expect(gpu.rec.flopBudget).toBe(1e9);
  });
});

describe('the gate', () => {
  it('holds submissions up until it opens, and what was submitted can be read meanwhile', async () => {
    const gpu = await openGpu({ flopBudget: 1 });
    const y = gpu.persistent([1]);
    let open = () => {};
    const opened = new Promise<void>((resolve) => (open = resolve));
    let asked = 0;
    let atGate = () => {};
    const reached = new Promise<void>((resolve) => (atGate = resolve));
    gpu.rec.setGate(() => {
      if (++asked !== 3) return undefined;
      atGate();
      return opened;
    });
    for (let i = 0; i < 5; i++) step(gpu, y);
    const value = valueOf(gpu, y);
    await reached;
    const [soFar] = await gpu.rec.readSubmitted(y);
    expect(new Float32Array(soFar)[0]).toBe(3);
    open();
    expect(await value).toBe(31);
  });

  it('that throws ends what waits, and the next recording begins anew', async () => {
    const gpu = await openGpu({ flopBudget: 1 });
    const y = gpu.persistent([1]);
    let asked = 0;
    gpu.rec.setGate(() => {
      if (++asked === 3) throw new Error('stop here');
    });
    for (let i = 0; i < 5; i++) step(gpu, y);
    await expect(valueOf(gpu, y)).rejects.toThrow('stop here');
    expect(await valueOf(gpu, y)).toBe(3);
  });

  it('that threw leaves scopes to be given back and the rest of the recording to be forgotten', async () => {
    const gpu = await openGpu({ flopBudget: 1 });
    const y = gpu.persistent([1]);
    const freed = gpu.persistent([1]);
    gpu.rec.scope().tensor([1000]);
    gpu.rec.setGate(() => {
      throw new Error('stop here');
    });
    step(gpu, y);
    step(gpu, y);
    await expect(gpu.rec.room().then(() => gpu.rec.submit())).rejects.toThrow('stop here');
    gpu.rec.setGate(undefined);
    step(gpu, y);
    gpu.free(freed);
    gpu.rec.discard();
    expect(gpu.memory().bytes).toMatchObject({ workspace: 0, weights: 8 });
    expect(await valueOf(gpu, y)).toBe(0);
    expect(gpu.memory().bytes.weights).toBe(4);
  });

  it('that throws between layers is told to whoever records', async () => {
    const gpu = await openGpu({ flopBudget: 1 });
    const y = gpu.persistent([1]);
    gpu.rec.setGate(() => {
      throw new Error('stop here');
    });
    const record = async () => {
      for (let i = 0; i < 100; i++) {
        step(gpu, y);
        await gpu.rec.room();
      }
    };
    await expect(record()).rejects.toThrow('stop here');
    gpu.rec.setGate(undefined);
    gpu.rec.clear(y);
    expect(await valueOf(gpu, y)).toBe(0);
  });
});
