// Numbers of a GPU tensor on their way to the host and back, a piece at a time: an adapter may be larger than any copy of it.

import { forEachPiece, type FloatSource } from '../base/floatSource';
import type { Gpu } from '../gpu/gpu';
import { elementCount, type Tensor } from '../gpu/tensor';

/** The numbers of a tensor as they are when they are read. @throws (from `read`) gpu.* */
export function gpuSource(gpu: Gpu, tensor: Tensor): FloatSource {
  const length = elementCount(tensor.shape);
  const { rec } = gpu;
  const readPart = async (start: number, end: number): Promise<ArrayBuffer> => {
    const scope = rec.scope();
    try {
      const part = scope.tensor([end - start]);
      rec.copy(tensor, part, { count: end - start, fromOffset: start });
      return (await rec.read(part))[0];
    } finally {
      scope.release();
    }
  };
  return {
    length,
    read: async (start, end) => {
      const isWhole = start === 0 && end === length;
      const bytes = isWhole ? (await rec.read(tensor))[0] : await readPart(start, end);
      // A device that is gone reads as zeros or old bytes: nothing of it may be kept.
      gpu.assertHealthy();
      return new Float32Array(bytes);
    },
  };
}

/** Writes all numbers of a source into a tensor of as many; one piece waits for the GPU before the next is read. */
export async function uploadNumbers(gpu: Gpu, tensor: Tensor, source: FloatSource): Promise<void> {
  await forEachPiece(source, async (piece, start) => {
    gpu.rec.upload(tensor, piece, start);
    await gpu.rec.submit();
  });
}
