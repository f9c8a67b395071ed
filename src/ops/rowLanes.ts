// How many invocations share a row in row-wise kernels: one on a software adapter (no barriers), 64 on a GPU.

import type { Recorder } from '../gpu/recorder';

/** Specialisation of `lib/row_reduce.wgsl`, and workgroups for `rows` rows. */
export function rowLanes(rec: Recorder, rows: number): { spec: { LANES: number; ROWS: number }; groups: number } {
  const spec = rec.variant === 'software' ? { LANES: 1, ROWS: 4 } : { LANES: 64, ROWS: 1 };
  return { spec, groups: Math.ceil(rows / spec.ROWS) };
}
