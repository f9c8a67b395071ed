// Quantizes weights to NF4 where they will be used. src/formats/nf4.ts has the format and its reference.

import type { Kernel } from '../gpu/pipelines';
import type { Recorder } from '../gpu/recorder';
import type { Tensor } from '../gpu/tensor';
import { decodeImports, type WeightStorage } from './matmul';
import quantizeSource from '../../shaders/quantize_nf4.wgsl?raw';

const BLOCK = 64;
const QUANTIZE: Kernel = { name: 'quantize_nf4.wgsl', source: quantizeSource };

/**
 * Writes codes and maxima of whole blocks of 64, beginning at block `firstBlock`.
 * @param tensors w: weights of the given storage type; codes u32 (8 per block); maxima f32 (1 per block)
 */
export function quantizeNf4Blocks(
  rec: Recorder,
  tensors: { w: Tensor; codes: Tensor; maxima: Tensor },
  { storage, blocks, firstBlock }: { storage: Exclude<WeightStorage, 'nf4'>; blocks: number; firstBlock: number },
): void {
  rec.dispatch(QUANTIZE, {
    imports: decodeImports(storage),
    bindings: tensors,
    uniforms: { blocks, firstBlock },
    grid: [Math.ceil(blocks / 64)],
    // Fifteen comparisons a weight.
    flops: blocks * BLOCK * 16,
  });
}
