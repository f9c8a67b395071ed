// Where one dispatch alone is more than a submission may be: it is made for some rows at a time. Rows know nothing of
// each other, so the parts together give the same bits.

import type { Recorder } from '../gpu/recorder';

/**
 * Cuts rows into parts that the recorder may put into submissions of their own.
 * @param flops estimate for all rows together
 * @param step parts begin at multiples of it: rows of one workgroup
 */
export function rowParts(
  rec: Pick<Recorder, 'flopBudget'>,
  rows: number,
  flops: number,
  step: number,
): { first: number; count: number; flops: number }[] {
  const perStep = (flops / rows) * step;
  const most = Math.max(1, Math.floor(rec.flopBudget / perStep)) * step;
  const parts: { first: number; count: number; flops: number }[] = [];
  for (let first = 0; first < rows; first += most) {
    const count = Math.min(most, rows - first);
    parts.push({ first, count, flops: (flops / rows) * count });
  }
  return parts;
}
