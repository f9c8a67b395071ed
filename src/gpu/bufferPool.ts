// Buffers of scopes are reused: allocation is slow and the garbage collector does not see GPU memory.
// Only the recorder takes from the pool: reuse is safe because commands run in the order they were recorded.

import { LorikeetError } from '../base/errors';
import type { Ledger, PoolOwner } from './memory';

/** From here on buffers have the size that was asked for, and idle ones make room for new ones. */
export const LARGE_BYTES = 4 * 2 ** 20;

/** Small sizes are rounded up to four classes per power of two: at most a quarter is wasted. */
function sizeClass(bytes: number): number {
  const least = Math.max(256, bytes);
  const step = 2 ** Math.max(6, Math.floor(Math.log2(least)) - 2);
  return Math.ceil(least / step) * step;
}

export interface BufferPool {
  /**
   * A storage buffer of at least `bytes`; its content is undefined.
   * @returns the buffer, and idle ones that it took the room of: they are the caller's to free
   */
  take(bytes: number, owner: PoolOwner): { buffer: GPUBuffer; evicted: GPUBuffer[] };
  give(buffer: GPUBuffer): void;
  /** Forgets all idle buffers and returns them: they are the caller's to free. */
  trim(): GPUBuffer[];
}

/**
 * Large buffers in use and idle are together never more than were once in use at a time: beyond that, those idle
 * longest go first.
 * @throws gpu.bufferTooLarge from `take`, when the device cannot bind that many bytes
 */
export function createBufferPool(device: Pick<GPUDevice, 'limits'>, ledger: Ledger): BufferPool {
  const limit = Math.min(device.limits.maxBufferSize, device.limits.maxStorageBufferBindingSize);
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const idle = new Map<number, GPUBuffer[]>();
  /** Idle large buffers, the one idle longest first. */
  const queue = new Set<GPUBuffer>();
  let largeInUse = 0;
  let largeIdle = 0;
  let mostInUse = 0;

  const reuse = (size: number): GPUBuffer | undefined => {
    const buffer = idle.get(size)?.pop();
    if (buffer && queue.delete(buffer)) largeIdle -= size;
    return buffer;
  };
  const makeRoom = (): GPUBuffer[] => {
    const evicted: GPUBuffer[] = [];
    for (const buffer of queue) {
      if (largeInUse + largeIdle <= mostInUse) break;
      queue.delete(buffer);
      largeIdle -= buffer.size;
      idle.set(
        buffer.size,
        idle.get(buffer.size)!.filter((other) => other !== buffer),
      );
      evicted.push(buffer);
    }
    return evicted;
  };

  return {
    take(wanted, owner) {
      const large = wanted >= LARGE_BYTES;
      const size = large ? Math.ceil(wanted / 4) * 4 : sizeClass(wanted);
      if (size > limit) {
        throw new LorikeetError(
          'gpu.bufferTooLarge',
          `A buffer of ${wanted} bytes is needed; this device binds at most ${limit}.`,
          'Lower the batch size or the completion length.',
        );
      }
      const known = reuse(size);
      if (size >= LARGE_BYTES) {
        largeInUse += size;
        mostInUse = Math.max(mostInUse, largeInUse);
      }
      if (known) {
        ledger.move(known, owner);
        return { buffer: known, evicted: [] };
      }
      const evicted = makeRoom();
      return { buffer: ledger.create(owner, { size, usage }), evicted };
    },
    give(buffer) {
      const { size } = buffer;
      const list = idle.get(size);
      if (list) list.push(buffer);
      else idle.set(size, [buffer]);
      if (size >= LARGE_BYTES) {
        queue.add(buffer);
        largeInUse -= size;
        largeIdle += size;
      }
      ledger.move(buffer, 'idle');
    },
    trim() {
      const all = [...idle.values()].flat();
      idle.clear();
      queue.clear();
      largeIdle = 0;
      mostInUse = largeInUse;
      return all;
    },
  };
}
