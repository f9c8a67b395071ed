// Dispatch sizes beyond what one dimension takes.

import { LorikeetError } from '../base/errors';

/** `count` as a product of two sizes, the first at most `most`; a few too many are skipped by the kernel. */
function fold(count: number, most: number): [number, number] {
  if (count <= most) return [count, 1];
  const second = Math.ceil(count / most);
  return [Math.ceil(count / second), second];
}

/**
 * Workgroups in three dimensions. A grid of one dimension goes on in the second (`flat_index` of lib/grid.wgsl), the
 * rows of a grid of two in the third (`grid_row`).
 * @param kernel name for the error @returns null when there is nothing to do
 * @throws gpu.grid when that is still too long
 */
export function foldGrid(
  kernel: string,
  [x, y]: readonly [number, number?],
  most: number,
): [number, number, number] | null {
  if (x === 0 || y === 0) return null;
  const [a, b] = y === undefined ? fold(x, most) : [x, y];
  const [rows, more] = y === undefined ? [b, 1] : fold(b, most);
  if (a > most || rows > most || more > most) {
    const found = [x, y].filter((size) => size !== undefined).join(' x ');
    throw new LorikeetError(
      'gpu.grid',
      `${kernel}: ${found} workgroups; this device takes at most ${most} in one dimension.`,
      'Lower the batch size.',
    );
  }
  return [a, rows, more];
}
