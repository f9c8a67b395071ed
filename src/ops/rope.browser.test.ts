import { describe, it } from 'vitest';
import { VARIANTS, withGpu } from '../gpu/testGpu';
import * as reference from './cpuReference/rope';
import { rope } from './rope';
import { unplace, place } from './testing/columns';
import { expectTensor } from './testing/expectTensor';
import { testValues } from './testValues';

/** Cosines then sines per table row, as the op wants them, and both repeated over the head as the reference does. */
function tables(rowsUsed: number[], tableRows: number, headSize: number) {
  const half = headSize / 2;
  const angles = testValues(tableRows * half, 9, -300, 300);
  const table = new Float32Array(tableRows * headSize);
  angles.forEach((angle, i) => {
    const at = Math.floor(i / half) * headSize + (i % half);
    table[at] = Math.cos(angle);
    table[at + half] = Math.sin(angle);
  });
  const wide = (shift: number) =>
    rowsUsed.flatMap((row) => Array.from({ length: headSize }, (_, i) => table[row * headSize + shift + (i % half)]!));
  return { table, cos: wide(0), sin: wide(half) };
}

const SCENES = [
  { rows: 1, heads: 1, headSize: 16, others: 0 },
  { rows: 3, heads: 5, headSize: 20, others: 8 },
  { rows: 18, heads: 6, headSize: 32, others: 64 },
  { rows: 17, heads: 2, headSize: 128, others: 0 },
];

describe.each(VARIANTS)('rope, %s kernels', (variant) => {
  it.each(SCENES)(
    'turns the first $heads heads of $rows rows of head size $headSize there and back, and leaves the rest',
    async ({ rows, heads, headSize, others }) => {
      const width = heads * headSize;
      const at = { rows, width, stride: width + others, offset: 0 };
      const rowsUsed = Array.from({ length: rows }, (_, t) => (t * 5) % 7);
      const { table, cos, sin } = tables(rowsUsed, 7, headSize);
      const x = testValues(rows * width, 1, -4, 4);
      const shape = { rows, heads, headSize };
      await withGpu(variant, async ({ rec, input, read }) => {
        const common = { table: input(table), tableRow: input(Uint32Array.from(rowsUsed)) };
        const turned = (direction: 1 | -1) => {
          const data = input(place(x, at, 7.5), [rows, width + others]);
          rope(rec, { ...common, x: data }, { heads, headSize, direction });
          return data;
        };
        const [there, back] = await read(turned(1), turned(-1));
        const [forward, backward] = [unplace(there, at), unplace(back, at)];
        expectTensor('forward', forward.values, reference.rope(x, cos, sin, shape), [rows, heads, headSize]);
        expectTensor('backward', backward.values, reference.ropeBackward(x, cos, sin, shape), [rows, heads, headSize]);
        const rest = new Array<number>(rows * others).fill(7.5);
        expectTensor('other columns', forward.outside, rest, [rows, others], { relative: 0 });
      });
    },
  );
});
