// SwiGLU of the decoder and the vision blocks, exact GELU of the merger.

import { elementCount, rowsAndWidth, type Tensor } from '../gpu/tensor';
import type { Kernel } from '../gpu/pipelines';
import type { Recorder } from '../gpu/recorder';
import swigluSource from '../../shaders/swiglu.wgsl?raw';
import swigluBackwardSource from '../../shaders/swiglu_backward.wgsl?raw';
import geluSource from '../../shaders/gelu.wgsl?raw';

const SWIGLU: Kernel = { name: 'swiglu.wgsl', source: swigluSource };
const SWIGLU_BACKWARD: Kernel = { name: 'swiglu_backward.wgsl', source: swigluBackwardSource };
const GELU: Kernel = { name: 'gelu.wgsl', source: geluSource };

/** h = silu(g) u. gu f32 (T, 2I) holds g then u; h f32 (T, I). */
export function swiglu(rec: Recorder, tensors: { gu: Tensor; h: Tensor }): void {
  const count4 = elementCount(tensors.h.shape) / 4;
  rec.dispatch(SWIGLU, {
    bindings: tensors,
    uniforms: { count4, i4: rowsAndWidth('swiglu: h', tensors.h)[1] / 4 },
    grid: [Math.ceil(count4 / 64)],
    flops: 4 * 10 * count4,
  });
}

/** gu = (g, u) becomes (dg, du), in place. dh f32 (T, I); gu f32 (T, 2I). */
export function swigluBackward(rec: Recorder, tensors: { dh: Tensor; gu: Tensor }): void {
  const count4 = elementCount(tensors.dh.shape) / 4;
  rec.dispatch(SWIGLU_BACKWARD, {
    bindings: tensors,
    uniforms: { count4, i4: rowsAndWidth('swigluBackward: dh', tensors.dh)[1] / 4 },
    grid: [Math.ceil(count4 / 64)],
    flops: 4 * 20 * count4,
  });
}

/** x = 0.5 x (1 + erf(x / √2)), in place. */
export function gelu(rec: Recorder, x: Tensor): void {
  const count = elementCount(x.shape);
  rec.dispatch(GELU, { bindings: { x }, uniforms: { count }, grid: [Math.ceil(count / 64)], flops: 20 * count });
}
