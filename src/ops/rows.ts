// Moving rows: token embeddings with picture features, gathering labelled rows, scattering into caches.

import type { Kernel } from '../gpu/pipelines';
import type { Recorder } from '../gpu/recorder';
import { rowsAndWidth, type Tensor } from '../gpu/tensor';
import { decodeImports, weightBindings, type Columns, type FrozenMatrix } from './matmul';
import embedSource from '../../shaders/embed_gather.wgsl?raw';
import gatherSource from '../../shaders/gather_rows.wgsl?raw';
import scatterSource from '../../shaders/scatter_rows.wgsl?raw';

const EMBED: Kernel = { name: 'embed_gather.wgsl', source: embedSource };
const GATHER: Kernel = { name: 'gather_rows.wgsl', source: gatherSource };
const SCATTER: Kernel = { name: 'scatter_rows.wgsl', source: scatterSource };

/**
 * x[t] = features[imageRow[t]] where imageRow[t] >= 0, else the embedding of ids[t].
 * @param tensors ids u32 (T); imageRow i32 (T); features f32 (rows, C); x f32 (T, C)
 */
export function embedGather(
  rec: Recorder,
  tensors: { ids: Tensor; imageRow: Tensor; features: Tensor; x: Tensor },
  embedding: FrozenMatrix,
): void {
  const [tokens, width] = rowsAndWidth('embedGather: x', tensors.x);
  for (const part of embedding.parts) {
    const { firstRow, rows, offset = 0 } = part;
    rec.dispatch(EMBED, {
      imports: decodeImports(embedding.storage),
      bindings: { ...tensors, ...weightBindings(part) },
      uniforms: { tokens, c4: width / 4, wOffset4: offset / 4, firstRow, rows },
      grid: [Math.ceil(width / 32), Math.ceil(tokens / 8)],
      flops: tokens * width,
    });
  }
}

/** y[r] = x[row[r]]. x f32 (T, C); row u32 (R); y f32 (R, C). */
export function gatherRows(rec: Recorder, tensors: { x: Tensor; row: Tensor; y: Tensor }): void {
  const [rows, width] = rowsAndWidth('gatherRows: y', tensors.y);
  rec.dispatch(GATHER, {
    bindings: tensors,
    uniforms: { rows, c4: width / 4 },
    grid: [Math.ceil(width / 32), Math.ceil(rows / 8)],
    flops: rows * width,
  });
}

/** y[row[r]] = x[r] over `width` columns. row u32 (rows), without repetitions. */
export function scatterRows(
  rec: Recorder,
  tensors: { x: Columns; row: Tensor; y: Columns },
  { rows, width }: { rows: number; width: number },
): void {
  const { x, row, y } = tensors;
  rec.dispatch(SCATTER, {
    bindings: { x: x.data, row, y: y.data },
    uniforms: {
      rows,
      c4: width / 4,
      xStride4: x.stride / 4,
      xOffset4: x.offset / 4,
      yStride4: y.stride / 4,
      yOffset4: y.offset / 4,
    },
    grid: [Math.ceil(width / 32), Math.ceil(rows / 8)],
    flops: rows * width,
  });
}
