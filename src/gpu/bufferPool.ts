// Buffers of scopes are reused: allocation is slow and the garbage collector does not see GPU memory.
// Only the recorder takes from the pool: reuse is safe because commands run in the order they were recorded.

import { LorikeetError } from '../base/errors';
import { largestBinding } from './device';
import type { Ledger, PoolOwner } from './memory';

/** From here on buffers have the size that was asked for, and are not kept for work of another shape. */
export const LARGE_BYTES = 4 * 2 ** 20;

/** Small sizes are rounded up to four classes per power of two: at most a quarter is wasted. */
function sizeClass(bytes: number): number {
  const least = Math.max(256, bytes);
  const step = 2 ** Math.max(6, Math.floor(Math.log2(least)) - 2);
  return Math.ceil(least / step) * step;
}

export interface BufferPool {
  /** A storage buffer of at least `bytes`; its content is undefined. @throws gpu.bufferTooLarge */
  take(bytes: number, owner: PoolOwner): GPUBuffer;
  give(buffer: GPUBuffer): void;
  /**
   * Forgets idle buffers of at least so many bytes and returns them: they are the caller's to free.
   * @param least 0: all
   */
  trim(least: number): GPUBuffer[];
}

/** @throws gpu.bufferTooLarge from `take`, when the device cannot bind that many bytes */
export function createBufferPool(device: Pick<GPUDevice, 'limits'>, ledger: Ledger): BufferPool {
  const limit = largestBinding(device.limits);
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const idle = new Map<number, GPUBuffer[]>();
  return {
    take(wanted, owner) {
      const size = wanted >= LARGE_BYTES ? Math.ceil(wanted / 4) * 4 : sizeClass(wanted);
      if (size > limit) {
        throw new LorikeetError(
          'gpu.bufferTooLarge',
          `A buffer of ${wanted} bytes is needed; this device binds at most ${limit}.`,
          'Lower the batch size or the completion length.',
        );
      }
      const known = idle.get(size)?.pop();
      if (!known) return ledger.create(owner, { size, usage });
      ledger.move(known, owner);
      return known;
    },
    give(buffer) {
      const list = idle.get(buffer.size);
      if (list) list.push(buffer);
      else idle.set(buffer.size, [buffer]);
      ledger.move(buffer, 'idle');
    },
    trim(least) {
      const out: GPUBuffer[] = [];
      for (const [size, list] of idle) {
        if (size < least) continue;
        idle.delete(size);
        out.push(...list);
      }
      return out;
    },
  };
}
