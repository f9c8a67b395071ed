// What one submission uploads: gathered on the CPU, then written into one buffer that grows, and shrinks when asked.

import type { Ledger } from './memory';

const FIRST_BYTES = 1 << 16;

/** A GPU buffer of the given usage that grows to what is asked of it. */
export interface GrowableBuffer {
  (bytes: number): GPUBuffer;
  /** Frees it; it begins small again. What was submitted may still use it. */
  shrink(): void;
}

/** @param usage of the buffer @param label for the browser's messages */
export function growable(ledger: Ledger, usage: number, label: string): GrowableBuffer {
  let buffer: GPUBuffer | undefined;
  const shrink = () => {
    if (buffer) {
      ledger.release(buffer);
      ledger.destroy(buffer);
    }
    buffer = undefined;
  };
  const grow = (bytes: number): GPUBuffer => {
    if (!buffer || buffer.size < bytes) {
      shrink();
      const size = Math.max(FIRST_BYTES, 2 ** Math.ceil(Math.log2(bytes)));
      buffer = ledger.create('staging', { label, size, usage });
    }
    return buffer;
  };
  return Object.assign(grow, { shrink });
}

/** Bytes that one submission uploads, in one staging area. */
export function createStaging() {
  let area = new Uint8Array(FIRST_BYTES);
  let used = 0;
  return {
    /** @returns where the bytes lie in the area */
    add(bytes: Uint8Array, alignment: number): number {
      const start = Math.ceil(used / alignment) * alignment;
      if (start + bytes.length > area.length) {
        const larger = new Uint8Array(2 ** Math.ceil(Math.log2(start + bytes.length)));
        larger.set(area.subarray(0, used));
        area = larger;
      }
      area.set(bytes, start);
      used = start + bytes.length;
      return start;
    },
    used: () => used,
    /** The bytes so far, valid until the next `add`; the area is empty then. */
    take(): Uint8Array {
      const out = area.subarray(0, Math.ceil(used / 4) * 4);
      used = 0;
      return out;
    },
    /** Gives the area's memory up; it must be empty. */
    shrink(): void {
      if (used === 0) area = new Uint8Array(FIRST_BYTES);
    },
  };
}
