// The engine's handle of a device: pipelines, buffers and a recorder, with device loss made visible.

import { check, LorikeetError } from '../base/errors';
import { createBufferPool } from './bufferPool';
import { describeAdapter, largestBinding, type DeviceInfo } from './device';
import { createLedger, type GpuMemory, type Owner } from './memory';
import { createPipelineCache } from './pipelines';
import { createRecorder, type Recorder, type RecorderOptions } from './recorder';
import { elementCount, type Tensor } from './tensor';

export interface Gpu {
  device: GPUDevice;
  info: DeviceInfo;
  rec: Recorder;
  /**
   * A tensor that lives until `free`, with content or zeros; its type is that of its content.
   * @param owner whose bytes it is; left out: weights @throws gpu.bufferTooLarge
   */
  persistent(shape: readonly number[], data?: Float32Array | Uint32Array | Int32Array, owner?: Owner): Tensor;
  /** Frees a persistent tensor once what is recorded has been submitted. @throws gpu.freedTwice */
  free(...tensors: Tensor[]): void;
  /** Frees what no scope holds: between stages, and after evaluations. */
  trim(): void;
  /** Bytes by owner now, and at their most since `markMemory`. */
  memory(): GpuMemory;
  /** Begins a new peak. */
  markMemory(): void;
  /** @throws gpu.lost or gpu.error when the device was lost or reported an error since the last call */
  assertHealthy(): void;
  /** Waits until everything submitted is done and all that the device says of it has been heard. @throws as assertHealthy */
  settled(): Promise<void>;
  /**
   * Forgets that memory ran out: frees what no scope holds, and begins anew. Nothing recorded may be waiting for use.
   * @returns false when the device is gone
   */
  recover(): Promise<boolean>;
}

/** For tests: other kernels than the adapter's, NaN in released buffers, other limits. */
export interface GpuOptions extends Partial<Omit<RecorderOptions, 'software'>> {
  info?: DeviceInfo;
}

/** Keeps the first of the device's failures. */
function watchDevice(device: GPUDevice) {
  let failure: LorikeetError | undefined;
  let lost = false;
  void device.lost.then(({ reason, message }) => {
    lost = true;
    failure = new LorikeetError(
      'gpu.lost',
      `The GPU device was lost (${reason}): ${message}`,
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
    failure: () => failure,
    /** @returns false when the device is gone: that is never forgotten */
    forget(): boolean {
      if (!lost) failure = undefined;
      return !lost;
    },
  };
}

/** Resolves when the device has done what it was given, and its errors have been told. */
async function heard(device: GPUDevice): Promise<void> {
  await device.queue.onSubmittedWorkDone();
  // The answer to a scope comes behind the errors of everything before it.
  device.pushErrorScope('validation');
  await device.popErrorScope();
}

/**
 * @param options.variant overrides the choice by adapter, for tests of the other variants
 * @param options.quads false does without subgroups of four where there are some
 * @param options.debug fills released buffers with NaN, and refuses freed ones
 */
export function createGpu(device: GPUDevice, options: GpuOptions = {}): Gpu {
  const info = options.info ?? describeAdapter(device.adapterInfo, device.limits, device.features);
  const ledger = createLedger(device);
  const pool = createBufferPool(device, ledger);
  const rec = createRecorder(
    device,
    createPipelineCache(device),
    { pool, ledger },
    {
      ...options,
      variant: options.variant ?? info.adapterClass,
      quads: info.quads && options.quads !== false,
      software: info.adapterClass === 'software',
    },
  );
  const watch = watchDevice(device);
  const assertHealthy = () => {
    const failure = watch.failure();
    if (failure) throw failure;
  };
  return {
    device,
    info,
    rec,
    persistent(shape, data, owner = 'weights') {
      const size = Math.max(4, elementCount(shape) * 4);
      const limit = largestBinding(device.limits);
      const message = `A buffer of ${size} bytes (${owner}) is needed; this device binds at most ${limit}.`;
      check(size <= limit, 'gpu.bufferTooLarge', message);
      const buffer = ledger.create(owner, {
        size,
        usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
        mappedAtCreation: data !== undefined,
      });
      if (data) {
        new Uint8Array(buffer.getMappedRange()).set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
        buffer.unmap();
      }
      return { buffer, shape, dtype: data instanceof Uint32Array ? 'u32' : data instanceof Int32Array ? 'i32' : 'f32' };
    },
    free: (...tensors) => tensors.forEach((tensor) => rec.free(tensor)),
    trim: () => rec.trim(),
    memory: () => ledger.memory(),
    markMemory: () => ledger.mark(),
    assertHealthy,
    async settled() {
      await rec.submit();
      await heard(device);
      assertHealthy();
    },
    async recover() {
      rec.trim();
      // What fails here was part of what did not fit.
      await rec.submit().catch(() => undefined);
      await heard(device).catch(() => undefined);
      return watch.forget();
    },
  };
}
