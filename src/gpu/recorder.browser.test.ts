import { describe, expect, it } from 'vitest';
import { requestDevice } from './device';
import { createGpu, type Gpu } from './gpu';
import type { Kernel } from './pipelines';
import { viewAs, type Tensor } from './tensor';
import { withGpu } from './testGpu';

/** y = factor x + shift over `count` elements. */
const LINEAR: Kernel = {
  name: 'linear test',
  source: `
const UNUSED: u32 = 0u; // spec
struct Params {
  count: u32,
  shift: i32,
  factor: f32,
}
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < params.count) {
    y[id.x] = params.factor * x[id.x] + f32(params.shift);
  }
}
`,
};

/** y[0] += 1, without uniforms. */
const INCREMENT: Kernel = {
  name: 'increment test',
  source: `
@group(0) @binding(0) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(1)
fn main() {
  y[0] += 1.0f;
}
`,
};

/** A sum in a register that is declared inside a loop. */
const REGISTER: Kernel = {
  name: 'register test',
  source: `
struct Params {
  count: u32,
}
@group(0) @binding(0) var<storage, read_write> y: array<f32>;
@group(0) @binding(1) var<uniform> params: Params;

@compute @workgroup_size(1)
fn main() {
  for (var i = 0u; i < params.count; i++) {
    var sum: array<f32, 2>; // registers
    for (var j = 0u; j < 2u; j++) { // unroll
      sum[j] += 1.0f;
      y[i] += sum[j];
    }
  }
}
`,
};

function linear(gpu: Gpu, x: Tensor, y: Tensor, { factor = 1, shift = 0, spec = 0 } = {}): void {
  const count = x.shape[0]!;
  gpu.rec.dispatch(LINEAR, {
    spec: { UNUSED: spec },
    bindings: { x, y },
    uniforms: { count, shift, factor },
    grid: [Math.ceil(count / 64)],
    flops: 2 * count,
  });
}

async function floats(gpu: Gpu, ...tensors: Tensor[]): Promise<number[][]> {
  const buffers = await gpu.rec.read(...tensors);
  gpu.assertHealthy();
  return buffers.map((buffer) => Array.from(new Float32Array(buffer)));
}

interface Fault {
  name: string;
  bindings: string[];
  uniforms: Record<string, number>;
  message: string;
}

/** An engine that a test may break. */
async function ownGpu(debug = true): Promise<Gpu> {
  const { device, info } = await requestDevice();
  return createGpu(device, { info, debug });
}

describe('recorder', () => {
  it('runs uploads, dispatches, copies and clears in the order they were recorded', async () => {
    await withGpu('software', async ({ gpu, rec, output }) => {
      const x = output([3]);
      const results = [0, 1, 2, 3].map(() => output([3]));
      rec.upload(x, Float32Array.of(1, 2, 3));
      linear(gpu, x, results[0]!, { factor: 10 });
      rec.upload(x, Float32Array.of(7), 1);
      linear(gpu, x, results[1]!, { factor: -2, shift: -1 });
      rec.copy(results[0]!, x, { count: 2, fromOffset: 1, toOffset: 1 });
      linear(gpu, x, results[2]!);
      rec.clear(x);
      linear(gpu, x, results[3]!, { shift: 5 });
      rec.upload(x, Float32Array.of(9, 9, 9));
      expect(await floats(gpu, ...results, x)).toEqual([
        [10, 20, 30],
        [-3, -15, -7],
        [1, 20, 30],
        [5, 5, 5],
        [9, 9, 9],
      ]);
    });
  });

  it('lets a buffer that was given back serve again within one recording', async () => {
    await withGpu('software', async ({ gpu, rec, output }) => {
      const [first, second] = [output([3]), output([3])];
      const a = rec.scope();
      const x = a.upload(Float32Array.of(1, 2, 3));
      linear(gpu, x, first);
      a.release();
      const b = rec.scope();
      const again = b.upload(Float32Array.of(4, 5, 6));
      linear(gpu, again, second);
      b.release();
      expect(again.buffer).toBe(x.buffer);
      expect(await floats(gpu, first, second)).toEqual([
        [1, 2, 3],
        [4, 5, 6],
      ]);
    });
  });

  it('fills buffers with NaN on release in debug mode, so that use after release shows', async () => {
    await withGpu('software', async ({ gpu, rec }) => {
      const scope = rec.scope();
      const x = scope.upload(Float32Array.of(1, 2, 3));
      scope.release();
      expect(await floats(gpu, x)).toEqual([[NaN, NaN, NaN]]);
      const next = rec.scope();
      const reused = next.tensor([3]);
      expect(reused.buffer).toBe(x.buffer);
      expect(await floats(gpu, reused)).toEqual([[NaN, NaN, NaN]]);
      next.release();
    });
  });

  it('keeps the order of two submissions although the first waits for a compilation', async () => {
    const gpu = await ownGpu();
    const { rec } = gpu;
    const x = gpu.persistent([2], Float32Array.of(1, 2));
    const [y, z] = [gpu.persistent([2]), gpu.persistent([2])];
    linear(gpu, x, y, { factor: 3, spec: 1 });
    const first = rec.submit();
    rec.copy(y, z);
    rec.upload(x, Float32Array.of(5, 5));
    const second = rec.submit();
    linear(gpu, x, y, { spec: 2 });
    expect(await floats(gpu, y, z)).toEqual([
      [5, 5],
      [3, 6],
    ]);
    await Promise.all([first, second]);
  });

  it('says once that a submission failed, and still reads back what was there before it', async () => {
    const gpu = await ownGpu();
    const { rec } = gpu;
    const x = gpu.persistent([2], Float32Array.of(1, 2));
    const y = gpu.persistent([2]);
    linear(gpu, x, y, { factor: 3 });
    const incomplete = { bindings: { x, y }, uniforms: { count: 2 }, grid: [1] as const, flops: 2 };
    rec.dispatch(LINEAR, incomplete);
    await expect(rec.submit()).rejects.toMatchObject({ code: 'gpu.uniform' });
    expect(await floats(gpu, x, y)).toEqual([
      [1, 2],
      [0, 0],
    ]);
    linear(gpu, x, y, { factor: 3 });
    expect(await floats(gpu, y)).toEqual([[3, 6]]);
  });

  it('frees the buffer of a read that fails: for its submission, or for a device that is gone', async () => {
    const gpu = await ownGpu();
    const { device, rec } = gpu;
    const x = gpu.persistent([2], Float32Array.of(1, 2));
    const open = new Set<GPUBuffer>();
    const create = device.createBuffer.bind(device);
    device.createBuffer = (descriptor) => {
      const buffer = create(descriptor);
      if (descriptor.usage & GPUBufferUsage.MAP_READ) open.add(buffer);
      const destroy = buffer.destroy.bind(buffer);
      buffer.destroy = () => {
        open.delete(buffer);
        destroy();
      };
      return buffer;
    };
    rec.dispatch(LINEAR, { bindings: { x, y: x }, uniforms: {}, grid: [1], flops: 2 });
    await expect(rec.read(x)).rejects.toMatchObject({ code: 'gpu.uniform' });
    expect(open.size).toBe(0);
    expect(await floats(gpu, x)).toEqual([[1, 2]]);
    expect(open.size).toBe(0);
    device.destroy();
    await expect(rec.read(x)).rejects.toThrow();
    expect(open.size).toBe(0);
  });

  it('reads several tensors of all types and sizes at once', async () => {
    await withGpu('software', async ({ gpu, rec }) => {
      const f = gpu.persistent([3], Float32Array.of(1.5, -0, 2));
      const u = gpu.persistent([1, 1], Uint32Array.of(0xfffffffe));
      const i = gpu.persistent([2], Int32Array.of(-3, 4));
      const none = gpu.persistent([0]);
      expect([f, u, i, none].map(({ dtype }) => dtype)).toEqual(['f32', 'u32', 'i32', 'f32']);
      const buffers = await rec.read(f, none, u, i, viewAs(f, [2]));
      expect(buffers.map((buffer) => buffer.byteLength)).toEqual([12, 0, 4, 8, 8]);
      expect(Array.from(new Float32Array(buffers[0]))).toEqual([1.5, -0, 2]);
      expect(Array.from(new Uint32Array(buffers[2]))).toEqual([0xfffffffe]);
      expect(Array.from(new Int32Array(buffers[3]))).toEqual([-3, 4]);
      expect(() => viewAs(f, [4])).toThrow('view: shape (4) does not fit in a buffer of 12 bytes');
    });
  });

  it('takes more uniforms and uploads than its first staging buffers hold', async () => {
    await withGpu('software', async ({ gpu, rec, input, output }) => {
      const count = 40_000;
      const x = input(Float32Array.from({ length: count }, (_, i) => i));
      const y = output([count]);
      linear(gpu, x, y, { factor: 2 });
      const small = input([1]);
      const sums = Array.from({ length: 600 }, (_, i) => {
        const out = output([1]);
        linear(gpu, small, out, { shift: i });
        return out;
      });
      const counter = input([0]);
      for (let i = 0; i < 50; i++) rec.dispatch(INCREMENT, { bindings: { y: counter }, grid: [1], flops: 1 });
      const [gotY, gotCounter, ...got] = await floats(gpu, y, counter, ...sums);
      expect(gotY!.findIndex((value, i) => value !== 2 * i)).toBe(-1);
      expect(gotCounter).toEqual([50]);
      expect(got.flat()).toEqual(sums.map((_, i) => i + 1));
    });
  });

  it('starts a register at zero in every pass of a loop', async () => {
    await withGpu('software', async ({ gpu, rec, input }) => {
      const y = input([0, 0, 0]);
      rec.dispatch(REGISTER, { bindings: { y }, uniforms: { count: 3 }, grid: [1], flops: 12 });
      expect(await floats(gpu, y)).toEqual([[2, 2, 2]]);
    });
  });

  it('skips dispatches, copies and uploads of nothing', async () => {
    await withGpu('software', async ({ gpu, rec, input }) => {
      const x = input([1]);
      rec.dispatch(INCREMENT, { bindings: { y: x }, grid: [1, 0], flops: 1 });
      rec.copy(x, x, { count: 0 });
      rec.upload(x, new Float32Array(0));
      rec.clear({ ...x, shape: [0] });
      expect(await floats(gpu, x)).toEqual([[1]]);
    });
  });
});

describe('recorder mistakes', () => {
  it.each<Fault>([
    {
      name: 'a missing binding',
      bindings: ['x'],
      uniforms: { count: 1, shift: 0, factor: 1 },
      message: 'binding y is missing',
    },
    {
      name: 'a binding too many',
      bindings: ['x', 'y', 'extra'],
      uniforms: { count: 1, shift: 0, factor: 1 },
      message: 'has no binding named extra',
    },
    {
      name: 'a missing uniform',
      bindings: ['x', 'y'],
      uniforms: { count: 1, shift: 0 },
      message: 'uniform factor is missing',
    },
  ])(
    '$name is named, and nothing runs of its submission and of those that wait behind it',
    async ({ bindings, uniforms, message }) => {
      const gpu = await ownGpu();
      const tensors = Object.fromEntries(bindings.map((name) => [name, gpu.persistent([1])]));
      gpu.rec.dispatch(LINEAR, { bindings: tensors, uniforms, grid: [1], flops: 2 });
      const failed = expect(gpu.rec.submit()).rejects.toThrow(message);
      gpu.rec.upload(tensors.x!, Float32Array.of(7));
      const behind = expect(gpu.rec.read(tensors.x!)).rejects.toThrow(message);
      await Promise.all([failed, behind]);
      expect(await floats(gpu, tensors.x!)).toEqual([[0]]);
    },
  );

  it('an error in a shader is named with file, line and text', async () => {
    const gpu = await ownGpu();
    const source = INCREMENT.source.replace('+= 1.0f', '+= 1u');
    gpu.rec.dispatch({ name: 'wrong.wgsl', source }, { bindings: { y: gpu.persistent([1]) }, grid: [1], flops: 1 });
    const error = (await gpu.rec.submit().catch((reason: unknown) => reason)) as Error;
    expect(error).toMatchObject({ code: 'shader.compile' });
    expect(error.message).toMatch(/shaders\/wrong\.wgsl.*line 6[^]*y\[0\] \+= 1u;/);
  });

  it('what the device reports is thrown at the next health check', async () => {
    const gpu = await ownGpu();
    const y = gpu.persistent([1]);
    gpu.rec.copy(y, y, { count: 2 });
    await gpu.rec.read(y).catch(() => undefined);
    expect(() => gpu.assertHealthy()).toThrow('The GPU reported');
  });

  it('a lost device is told from other failures', async () => {
    const gpu = await ownGpu();
    gpu.device.destroy();
    await gpu.device.lost;
    expect(() => gpu.assertHealthy()).toThrow(expect.objectContaining({ code: 'gpu.lost' }) as Error);
  });
});
