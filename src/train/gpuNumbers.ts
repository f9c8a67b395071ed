// Numbers of a GPU tensor on their way to the host and back, a piece at a time: an adapter may be larger than any copy of it.

import { forEachPiece, type FloatSource } from '../base/floatSource';
import type { Gpu } from '../gpu/gpu';
import { elementCount, type Tensor } from '../gpu/tensor';

/**
 * The numbers of a tensor as they are when they are read.
 * @param held the run is held up between two submissions: what waits behind must not be waited for
 * @throws (from `read`) gpu.*
 */
export function gpuSource(gpu: Gpu, tensor: Tensor, held = false): FloatSource {
  const read = held ? gpu.rec.readSubmitted : gpu.rec.read;
  return {
    length: elementCount(tensor.shape),
    read: async (start, end) => {
      const [bytes] = await read({ ...tensor, shape: [end - start], firstElement: start });
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
