// Rotary positions by tables made on the CPU (WGSL's sin and cos may be off by 2^-11).

import type { Kernel } from '../gpu/pipelines';
import type { Recorder } from '../gpu/recorder';
import { rowsAndWidth, type Tensor } from '../gpu/tensor';
import source from '../../shaders/rope.wgsl?raw';

const KERNEL: Kernel = { name: 'rope.wgsl', source };

/**
 * Rotates the first `heads` heads of every row of x in place.
 * @param tensors x f32 (T, stride); table f32 (rows, D): D/2 cosines, D/2 sines; tableRow u32 (T)
 * @param options.direction 1 forward, -1 backward
 */
export function rope(
  rec: Recorder,
  tensors: { x: Tensor; table: Tensor; tableRow: Tensor },
  options: { heads: number; headSize: number; direction: 1 | -1 },
): void {
  const [tokens, stride] = rowsAndWidth('rope: x', tensors.x);
  rec.dispatch(KERNEL, {
    bindings: tensors,
    uniforms: { tokens, stride, ...options },
    grid: [Math.ceil(options.heads / 4), Math.ceil(tokens / 16)],
    flops: 3 * tokens * options.heads * options.headSize,
  });
}
