// What work holds of the GPU beside weights and adapter: its tensors come from a pool that keeps buffers by their size.
// So a size counts as often as it is in use at one moment, and different sizes add up, whenever they are in use.

import { NO_BYTES, type HeldBytes, type Part } from './parts';

/** Tensors of one size. */
export interface Buffers {
  part: Part;
  /** Of each. */
  bytes: number;
  count: number;
}

/** Work of one shape, between two points at which the pool gives its large buffers back. */
export interface Work {
  /** All that is in use at each moment that may hold most of some size. */
  moments: readonly (readonly Buffers[])[];
  /** Bytes that go to the GPU in one submission, and that come back at once. */
  up: number;
  back: number;
}

/** From here on a buffer is as large as was asked for, and leaves when work of another shape begins. */
const LARGE = 4 * 2 ** 20;
/** Transfers are cut into pieces of so many bytes. */
const TRANSFER = 16 * 2 ** 20;
/** Sizes and offsets of the dispatches of a submission, 256 bytes each. */
const UNIFORMS = 2 ** 18;
const LEAST_UPLOAD = 2 ** 16;

/** @param bytes of each */
export function buffers(part: Part, bytes: number, count = 1): Buffers {
  return { part, bytes, count };
}

/** What a buffer takes: whole words; below `LARGE` the next of four sizes per power of two, so that few sizes serve all. */
export function pooledBytes(bytes: number): number {
  if (bytes >= LARGE) return Math.ceil(bytes / 4) * 4;
  const least = Math.max(256, bytes);
  const step = 2 ** Math.max(6, Math.floor(Math.log2(least)) - 2);
  return Math.ceil(least / step) * step;
}

/** Up to here Chrome takes a buffer out of heaps that it divides by two. */
const SHARED_HEAP_MOST = 4 * 2 ** 20;
const SHARED_HEAP_LEAST = 256;

/**
 * What Chrome takes of the GPU's memory beyond a buffer's bytes. Dawn places buffers of up to 4 MiB in shared heaps by powers
 * of two, on Vulkan and on D3D12 alike (its BuddyMemoryAllocator, ResourceMemoryAllocatorVk and
 * ResourceAllocatorManagerD3D12); Metal has less. No count of the engine's has it.
 */
export function roundingBytes(bytes: number): number {
  if (bytes === 0 || bytes > SHARED_HEAP_MOST) return 0;
  return 2 ** Math.ceil(Math.log2(Math.max(SHARED_HEAP_LEAST, bytes))) - bytes;
}

/** The upload buffer: the next power of two. */
export function uploadBytes(up: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(LEAST_UPLOAD, Math.min(TRANSFER, up))));
}

interface Uses {
  count: number;
  byPart: Map<Part, number>;
}

function usesAt(moment: readonly Buffers[]): Map<number, Uses> {
  const out = new Map<number, Uses>();
  for (const { part, bytes, count } of moment) {
    if (count === 0 || bytes === 0) continue;
    const size = pooledBytes(bytes);
    const uses = out.get(size) ?? { count: 0, byPart: new Map<Part, number>() };
    uses.count += count;
    uses.byPart.set(part, (uses.byPart.get(part) ?? 0) + count);
    out.set(size, uses);
  }
  return out;
}

/** By size, the moment that uses most of it. */
function mostOf({ moments }: Work): Map<number, Uses> {
  const out = new Map<number, Uses>();
  for (const moment of moments) {
    for (const [size, uses] of usesAt(moment)) {
      if (uses.count > (out.get(size)?.count ?? 0)) out.set(size, uses);
    }
  }
  return out;
}

/**
 * What each work holds, the one after the other. Small buffers of those before stay in the pool beside it; they count as
 * workspace. So does the upload buffer, at its largest so far.
 */
export function poolBytes(works: readonly Work[]): HeldBytes[] {
  const idle = new Map<number, number>();
  let up = 0;
  return works.map((work) => {
    const parts = { ...NO_BYTES };
    const most = mostOf(work);
    let rounding = 0;
    const hold = (part: Part, size: number, count: number): void => {
      parts[part] += size * count;
      rounding += roundingBytes(size) * count;
    };
    for (const [size, { byPart }] of most) for (const [part, count] of byPart) hold(part, size, count);
    for (const [size, count] of idle) hold('workspace', size, Math.max(0, count - (most.get(size)?.count ?? 0)));
    for (const [size, { count }] of most) if (size < LARGE) idle.set(size, Math.max(count, idle.get(size) ?? 0));
    up = Math.max(up, uploadBytes(work.up));
    parts.staging = UNIFORMS + up + Math.min(TRANSFER, work.back);
    return { parts, rounding };
  });
}
