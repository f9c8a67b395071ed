// What one submission uploads: gathered on the CPU, then written into one buffer that grows.

/** Grows a buffer of the given usage to at least `bytes`. */
export function growable(device: GPUDevice, usage: number, label: string) {
  let buffer: GPUBuffer | undefined;
  return (bytes: number): GPUBuffer => {
    if (!buffer || buffer.size < bytes) {
      buffer?.destroy();
      buffer = device.createBuffer({ label, size: Math.max(1 << 16, 2 ** Math.ceil(Math.log2(bytes))), usage });
    }
    return buffer;
  };
}

/** Bytes that one submission uploads, in one staging area. */
export function createStaging() {
  let area = new Uint8Array(1 << 16);
  let used = 0;
  return {
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
    take(): Uint8Array {
      const out = area.subarray(0, Math.ceil(used / 4) * 4);
      used = 0;
      return out;
    },
  };
}
