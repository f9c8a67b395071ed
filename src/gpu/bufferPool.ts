// Buffers are reused by size class: allocation is slow and the garbage collector does not see GPU memory.
// Only the recorder takes from the pool: reuse is safe because commands run in the order they were recorded.

import { LorikeetError } from '../base/errors';

/** Rounds up to four classes per power of two: at most a quarter is wasted. */
function sizeClass(bytes: number): number {
  const least = Math.max(256, bytes);
  const step = 2 ** Math.max(6, Math.floor(Math.log2(least)) - 2);
  return Math.ceil(least / step) * step;
}

export interface BufferPool {
  /** A storage buffer of at least `bytes`; its content is undefined. */
  take(bytes: number): GPUBuffer;
  give(buffer: GPUBuffer): void;
  /** Destroys all idle buffers. */
  trim(): void;
  stats(): { bytes: number; peakBytes: number };
}

/** @throws gpu.bufferTooLarge from `take`, when the device cannot bind that many bytes */
export function createBufferPool(device: GPUDevice): BufferPool {
  const idle = new Map<number, GPUBuffer[]>();
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  let bytes = 0;
  let peakBytes = 0;
  return {
    take(wanted) {
      const size = sizeClass(wanted);
      const free = idle.get(size)?.pop();
      if (free) return free;
      const limit = Math.min(device.limits.maxBufferSize, device.limits.maxStorageBufferBindingSize);
      if (size > limit) {
        throw new LorikeetError(
          'gpu.bufferTooLarge',
          `A buffer of ${wanted} bytes is needed; this device binds at most ${limit}.`,
          'Lower the batch size or the completion length.',
        );
      }
      bytes += size;
      peakBytes = Math.max(peakBytes, bytes);
      return device.createBuffer({ size, usage });
    },
    give(buffer) {
      const list = idle.get(buffer.size);
      if (list) list.push(buffer);
      else idle.set(buffer.size, [buffer]);
    },
    trim() {
      for (const list of idle.values()) {
        for (const buffer of list) {
          bytes -= buffer.size;
          buffer.destroy();
        }
      }
      idle.clear();
    },
    stats: () => ({ bytes, peakBytes }),
  };
}
