// How many invocations share a row in row-wise kernels: one on a software adapter (no barriers), 64 on a GPU.

import type { Recorder } from '../gpu/recorder';

/** Specialisation of `lib/row_reduce.wgsl`, and workgroups for `rows` rows. */
export function rowLanes(rec: Recorder, rows: number): { spec: { LANES: number; ROWS: number }; groups: number } {
  const spec = rec.variant === 'software' ? { LANES: 1, ROWS: 4 } : { LANES: 64, ROWS: 1 };
  return { spec, groups: Math.ceil(rows / spec.ROWS) };
}

/** A grid for `count` invocations in workgroups of `size`, spread over two dimensions when one is too short. */
export function flatGrid(count: number, size: number): [number, number] {
  const groups = Math.ceil(count / size);
  const x = Math.min(groups, 32768);
  return [x, Math.ceil(groups / x)];
}
