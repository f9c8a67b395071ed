// Dropout whose mask is a function of (key, example, token in the example, channel): any packing draws the same one.

import type { Kernel } from '../gpu/pipelines';
import type { Recorder } from '../gpu/recorder';
import { rowsAndWidth, type Tensor } from '../gpu/tensor';
import source from '../../shaders/dropout.wgsl?raw';

const KERNEL: Kernel = { name: 'dropout.wgsl', source };

/**
 * y (+)= x keep / (1 - p). x, y f32 (T, C); place u32 (T, 2): example, index in example.
 * The same call applied to a gradient is the backward pass.
 */
export function dropout(
  rec: Recorder,
  tensors: { x: Tensor; place: Tensor; y: Tensor },
  options: { p: number; key: [number, number]; accumulate?: boolean },
): void {
  const [tokens, channels] = rowsAndWidth('dropout: x', tensors.x);
  rec.dispatch(KERNEL, {
    spec: { ADD: options.accumulate ?? false },
    bindings: tensors,
    uniforms: { tokens, channels, key0: options.key[0], key1: options.key[1], p: options.p },
    grid: [Math.ceil(channels / 8), Math.ceil(tokens / 8)],
    // The random number is what costs.
    flops: 150 * tokens * channels,
  });
}
