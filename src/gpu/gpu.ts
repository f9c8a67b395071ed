// The engine's handle of a device: pipelines, buffers and a recorder, with device loss made visible.

import { LorikeetError } from '../base/errors';
import { createBufferPool, type BufferPool } from './bufferPool';
import { describeAdapter, type AdapterClass, type DeviceInfo } from './device';
import { createPipelineCache } from './pipelines';
import { createRecorder, type Recorder } from './recorder';
import { elementCount, type DType, type Tensor } from './tensor';

export interface Gpu {
  device: GPUDevice;
  info: DeviceInfo;
  pool: BufferPool;
  rec: Recorder;
  /** A tensor that lives until it is destroyed (weights, caches, adapters), with content or zeros. */
  persistent(shape: readonly number[], data?: Float32Array | Uint32Array | Int32Array, dtype?: DType): Tensor;
  /** @throws gpu.lost or gpu.error when the device was lost or reported an error since the last call */
  assertHealthy(): void;
}

/**
 * @param options.variant overrides the choice by adapter, for tests of the other variants
 * @param options.quads false does without subgroups of four where there are some
 * @param options.debug fills released buffers with NaN
 */
export function createGpu(
  device: GPUDevice,
  options: { info?: DeviceInfo; variant?: AdapterClass; quads?: boolean; debug?: boolean } = {},
): Gpu {
  const info = options.info ?? describeAdapter(device.adapterInfo, device.limits, device.features);
  const pool = createBufferPool(device);
  const variant = options.variant ?? info.adapterClass;
  const quads = info.quads && options.quads !== false;
  const rec = createRecorder(device, createPipelineCache(device), pool, { variant, quads, debug: options.debug });
  let failure: LorikeetError | undefined;
  void device.lost.then((lost) => {
    failure = new LorikeetError(
      'gpu.lost',
      `The GPU device was lost (${lost.reason}): ${lost.message}`,
      'Reload the page and continue. If it happens again, lower the batch size: the GPU may be out of memory.',
    );
  });
  device.addEventListener('uncapturederror', (event) => {
    const outOfMemory = event.error instanceof GPUOutOfMemoryError;
    failure ??= new LorikeetError(
      outOfMemory ? 'gpu.outOfMemory' : 'gpu.error',
      `The GPU reported: ${event.error.message}`,
      outOfMemory ? 'Lower the batch size or the completion length.' : undefined,
    );
  });
  return {
    device,
    info,
    pool,
    rec,
    persistent(shape, data, dtype = 'f32') {
      const buffer = device.createBuffer({
        size: Math.max(4, elementCount(shape) * 4),
        usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
        mappedAtCreation: data !== undefined,
      });
      if (data) {
        new Uint8Array(buffer.getMappedRange()).set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
        buffer.unmap();
      }
      return { buffer, shape, dtype: data instanceof Uint32Array ? 'u32' : data instanceof Int32Array ? 'i32' : dtype };
    },
    assertHealthy() {
      if (failure) throw failure;
    },
  };
}
