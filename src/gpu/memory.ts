// The ledger of GPU memory: the only place that makes buffers, so that every byte has an owner and is given back once.

import { LorikeetError } from '../base/errors';

/**
 * What a buffer is for. `workspace` is what scopes hold, `staging` what carries numbers between host and GPU.
 * `debug` is no memory of the product and is in no sum.
 */
export type Owner = 'weights' | 'adapter' | 'workspace' | 'kv' | 'features' | 'staging' | 'debug';

/** Where bytes are: with an owner, or `idle` in the pool. */
export type MemoryPlace = Exclude<Owner, 'debug'> | 'idle';

/** What scopes may hold. */
export type PoolOwner = Exclude<MemoryPlace, 'idle'>;

const PLACES: readonly MemoryPlace[] = ['weights', 'adapter', 'workspace', 'kv', 'features', 'staging', 'idle'];

export interface GpuMemory {
  /** Bytes now. */
  bytes: Readonly<Record<MemoryPlace, number>>;
  /** Sum of `bytes`. */
  total: number;
  /** Largest total since the last mark, and what it was made of. */
  peak: { total: number; bytes: Readonly<Record<MemoryPlace, number>> };
}

export interface Ledger {
  create(owner: Owner, descriptor: GPUBufferDescriptor): GPUBuffer;
  /** Books a buffer elsewhere: the pool's go from owner to owner. */
  move(buffer: GPUBuffer, place: MemoryPlace): void;
  /**
   * Says that nothing new may use the buffer; `destroy` follows once what is recorded has been submitted.
   * @throws gpu.freedTwice
   */
  release(buffer: GPUBuffer): void;
  /** Frees a released buffer's memory. */
  destroy(buffer: GPUBuffer): void;
  /** @throws gpu.usedAfterFree @param what operation and tensor */
  assertLive(buffer: GPUBuffer, what: string): void;
  memory(): GpuMemory;
  /** Begins a new peak. */
  mark(): void;
}

interface Entry {
  bytes: number;
  place: MemoryPlace | 'debug';
  released: boolean;
}

function zeros(): Record<MemoryPlace, number> {
  return Object.fromEntries(PLACES.map((place) => [place, 0])) as Record<MemoryPlace, number>;
}

/** A ledger for one device. */
export function createLedger(device: GPUDevice): Ledger {
  const entries = new WeakMap<GPUBuffer, Entry>();
  const bytes = zeros();
  let total = 0;
  let peak = { total: 0, bytes: zeros() };

  const book = (place: Entry['place'], change: number): void => {
    if (place === 'debug') return;
    bytes[place] += change;
    total += change;
  };
  const see = (): void => {
    if (total > peak.total) peak = { total, bytes: { ...bytes } };
  };
  const entryOf = (buffer: GPUBuffer): Entry => {
    const entry = entries.get(buffer);
    if (!entry) throw new LorikeetError('gpu.foreignBuffer', 'This buffer was not made by the ledger of its device.');
    return entry;
  };

  return {
    create(owner, descriptor) {
      const buffer = device.createBuffer(descriptor);
      entries.set(buffer, { bytes: descriptor.size, place: owner, released: false });
      book(owner, descriptor.size);
      see();
      return buffer;
    },
    move(buffer, place) {
      const entry = entryOf(buffer);
      book(entry.place, -entry.bytes);
      entry.place = place;
      book(place, entry.bytes);
    },
    release(buffer) {
      const entry = entryOf(buffer);
      if (entry.released) {
        throw new LorikeetError('gpu.freedTwice', `A buffer of ${entry.bytes} bytes (${entry.place}) was freed twice.`);
      }
      entry.released = true;
    },
    destroy(buffer) {
      const entry = entryOf(buffer);
      book(entry.place, -entry.bytes);
      entry.bytes = 0;
      entry.released = true;
      buffer.destroy();
    },
    assertLive(buffer, what) {
      if (entries.get(buffer)?.released) {
        throw new LorikeetError('gpu.usedAfterFree', `${what}: the buffer of ${buffer.size} bytes was freed before.`);
      }
    },
    memory: () => ({ bytes: { ...bytes }, total, peak }),
    mark() {
      peak = { total, bytes: { ...bytes } };
    },
  };
}
