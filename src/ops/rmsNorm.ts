// RMSNorm over rows, forward and the gradient of its input (weights are frozen).

import { expectShape, rowsAndWidth, type Tensor } from '../gpu/tensor';
import type { Kernel } from '../gpu/pipelines';
import type { Recorder } from '../gpu/recorder';
import { rowLanes } from './rowLanes';
import forwardSource from '../../shaders/rms_norm.wgsl?raw';
import backwardSource from '../../shaders/rms_norm_backward.wgsl?raw';

const FORWARD: Kernel = { name: 'rms_norm.wgsl', source: forwardSource };
const BACKWARD: Kernel = { name: 'rms_norm_backward.wgsl', source: backwardSource };

/** y = x rstd weight, rstd = 1/sqrt(mean x² + eps). x, y f32 (T, C); weight f32 (C); rstd f32 (T). */
export function rmsNorm(
  rec: Recorder,
  tensors: { x: Tensor; weight: Tensor; y: Tensor; rstd: Tensor },
  { eps }: { eps: number },
): void {
  const [rows, width] = rowsAndWidth('rmsNorm: x', tensors.x);
  expectShape('rmsNorm', 'y', tensors.y, [rows, width]);
  expectShape('rmsNorm', 'weight', tensors.weight, [width]);
  const { spec, groups } = rowLanes(rec, rows);
  rec.dispatch(FORWARD, {
    spec,
    bindings: tensors,
    uniforms: { rows, c4: width / 4, eps },
    grid: [groups],
    flops: 5 * rows * width,
  });
}

/** dx (+)= rstd (g - x rstd² mean(g x)), g = dy weight. All f32 (T, C) but weight (C), rstd (T). */
export function rmsNormBackward(
  rec: Recorder,
  tensors: { dy: Tensor; x: Tensor; weight: Tensor; rstd: Tensor; dx: Tensor },
  { mode }: { mode: 'write' | 'accumulate' },
): void {
  const [rows, width] = rowsAndWidth('rmsNormBackward: x', tensors.x);
  expectShape('rmsNormBackward', 'dy', tensors.dy, [rows, width]);
  expectShape('rmsNormBackward', 'dx', tensors.dx, [rows, width]);
  const { spec, groups } = rowLanes(rec, rows);
  rec.dispatch(BACKWARD, {
    spec: { ...spec, ADD: mode === 'accumulate' },
    bindings: tensors,
    uniforms: { rows, c4: width / 4 },
    grid: [groups],
    flops: 10 * rows * width,
  });
}
