// A GPU for tests of kernels: one device per test file, one engine per kernel variant, NaN in everything unwritten.
// Not part of the app.

import { requestDevice, type AdapterClass, type DeviceInfo } from './device';
import { createGpu, type Gpu, type GpuOptions } from './gpu';
import type { Recorder } from './recorder';
import { elementCount, perTensor, type PerTensor, type Tensor } from './tensor';

/** Both families of kernels. They run on any adapter: a software adapter is only slow with the second. */
export const VARIANTS: readonly AdapterClass[] = ['software', 'gpu'];

/** A variant, or the software kernels as they are where neighbours cannot share loads. */
export type TestVariant = AdapterClass | 'software without quads';

/** For kernels that share loads. */
export const SHARING_VARIANTS: readonly TestVariant[] = [...VARIANTS, 'software without quads'];

/** Tensors and commands of one test. */
export interface GpuBench {
  gpu: Gpu;
  rec: Recorder;
  /** Numbers become f32; typed integers stay what they are. */
  input(values: ArrayLike<number>, shape?: readonly number[]): Tensor;
  /** A tensor full of NaN: whatever a kernel forgets to write shows. */
  output(shape: readonly number[]): Tensor;
  /** Contents as f32 after everything recorded so far. */
  read<T extends readonly Tensor[]>(...tensors: T): Promise<PerTensor<T, Float32Array>>;
  readU32<T extends readonly Tensor[]>(...tensors: T): Promise<PerTensor<T, Uint32Array>>;
}

let opened: Promise<{ device: GPUDevice; info: DeviceInfo }> | undefined;
const engines = new Map<string, Gpu>();

/** Limits smaller than any device's, so that what they cause shows on small tensors. */
export type TestLimits = Pick<GpuOptions, 'flopBudget' | 'maxGroups'>;

async function engineOf(wanted: TestVariant, limits: TestLimits): Promise<Gpu> {
  opened ??= requestDevice();
  const { device, info } = await opened;
  const name = JSON.stringify({ wanted, ...limits });
  let gpu = engines.get(name);
  if (!gpu) {
    const quads = wanted !== 'software without quads';
    const variant = quads ? wanted : 'software';
    engines.set(name, (gpu = createGpu(device, { info, variant, quads, debug: true, ...limits })));
  }
  return gpu;
}

/**
 * Runs `use` with fresh tensors and gives them back afterwards.
 * @param variant which kernels the ops choose
 * @param limits left out: the device's
 * @throws what `use` throws; gpu.error and gpu.lost for anything the device reported
 */
export async function withGpu(
  variant: TestVariant,
  use: (bench: GpuBench) => Promise<void>,
  limits: TestLimits = {},
): Promise<void> {
  const gpu = await engineOf(variant, limits);
  const { rec } = gpu;
  const scope = rec.scope();
  const read = async <T extends readonly Tensor[], V>(tensors: T, view: (buffer: ArrayBuffer) => V) => {
    const buffers = await rec.read(...tensors);
    gpu.assertHealthy();
    return perTensor(tensors, (_, i) => view(buffers[i]));
  };
  const input: GpuBench['input'] = (values, shape) => {
    const data = values instanceof Uint32Array || values instanceof Int32Array ? values : Float32Array.from(values);
    return scope.upload(data, shape);
  };
  try {
    await use({
      gpu,
      rec,
      input,
      output: (shape) => input(new Float32Array(elementCount(shape)).fill(NaN), shape),
      read: (...tensors) => read(tensors, (buffer) => new Float32Array(buffer)),
      readU32: (...tensors) => read(tensors, (buffer) => new Uint32Array(buffer)),
    });
  } finally {
    scope.release();
    await rec.submit();
  }
}
