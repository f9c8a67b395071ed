// Where the elements of stacked tensors go when a matrix is larger than one binding, or is quantized in blocks.

import { check } from '../base/errors';
import { NF4_BLOCK } from '../formats/nf4';
import type { WeightStorage } from '../ops/matmul';
import { STORAGE_BITS } from './baseStorage';

/** Neighbouring elements of one tensor that lie in one part; all counts in elements. */
export interface Segment {
  /** Which of the stacked tensors. */
  tensor: number;
  /** First element within the tensor. */
  from: number;
  count: number;
  /** Place of that element within the part. */
  to: number;
}

export interface PartPlan {
  firstRow: number;
  rows: number;
  segments: Segment[];
}

/** Cuts lie at multiples of this: whole tiles of the head, and whole blocks of nf4 whatever the width. */
const ROWS_TOGETHER = 128;
const FEWEST_ROWS = 16;

function rowsOfPart(columns: number, storage: WeightStorage, limitBytes: number): number {
  const most = Math.floor((limitBytes * 8) / (columns * STORAGE_BITS[storage]));
  const together = most >= ROWS_TOGETHER ? ROWS_TOGETHER : FEWEST_ROWS;
  return Math.floor(most / together) * together;
}

/** Tensors one after the other as rows of one matrix, cut into parts that fit. */
function cut(tensors: { index: number; rows: number }[], firstRow: number, columns: number, most: number): PartPlan[] {
  const total = tensors.reduce((sum, { rows }) => sum + rows, 0);
  const plans: PartPlan[] = [];
  for (let row = 0; row < total; row += most) {
    plans.push({ firstRow: firstRow + row, rows: Math.min(most, total - row), segments: [] });
  }
  let row = 0;
  for (const { index, rows } of tensors) {
    for (const plan of plans) {
      const start = plan.firstRow - firstRow;
      const first = Math.max(row, start);
      const end = Math.min(row + rows, start + plan.rows);
      if (first >= end) continue;
      plan.segments.push({
        tensor: index,
        from: (first - row) * columns,
        count: (end - first) * columns,
        to: (first - start) * columns,
      });
    }
    row += rows;
  }
  return plans;
}

/**
 * Plans the parts of [rows_i, columns] tensors stacked by rows. Tensors share a part unless that would move the blocks
 * of nf4, which begin with each tensor.
 * @param name for the error @param limitBytes the largest buffer that the device binds
 * @throws gpu.bufferTooLarge when not even a few rows fit
 */
export function planParts(
  name: string,
  shape: { rows: readonly number[]; columns: number; storage: WeightStorage },
  limitBytes: number,
): PartPlan[] {
  const { rows, columns, storage } = shape;
  const total = rows.reduce((a, b) => a + b, 0);
  const whole = (total * columns * STORAGE_BITS[storage]) / 8 <= limitBytes;
  const most = whole ? total : rowsOfPart(columns, storage, limitBytes);
  check(
    most > 0,
    'gpu.bufferTooLarge',
    `tensor ${name} has rows of ${columns} numbers in ${storage}; this device binds at most ${limitBytes} bytes, ` +
      `less than ${FEWEST_ROWS} of them`,
    'Use a GPU that binds larger buffers.',
  );
  const tensors = rows.map((count, index) => ({ index, rows: count }));
  const aligned = tensors.slice(0, -1).every((one) => (one.rows * columns) % NF4_BLOCK === 0);
  if (storage !== 'nf4' || aligned) return cut(tensors, 0, columns, most);
  let firstRow = 0;
  return tensors.flatMap((one) => {
    const plans = cut([one], firstRow, columns, most);
    firstRow += one.rows;
    return plans;
  });
}
