// The rate of the engine's own product on this device: one figure that makes times comparable.

import type { Gpu } from '../gpu/gpu';
import { withScope } from '../gpu/withScope';
import { allColumns, matmulNT, wholeMatrix } from './matmul';

const SIZE = 512;
const REPEATS = 3;
/** What browsers round their clocks to, and the least that a run can have taken. */
const CLOCK_MS = 0.1;
/** A timed run lasts at least so long, so that the rounding does not count. */
const LEAST_MS = 5;
/** Products of one run at most, whatever the clock says. */
const MOST_PRODUCTS = 1024;

/** f32 GFLOP/s of a 512 x 512 x 512 product: one warm-up, then the median of three timed runs. */
export function measureMatmul({ rec, device }: Pick<Gpu, 'rec' | 'device'>): Promise<number> {
  return withScope(rec, async (scope) => {
    const values = Float32Array.from({ length: SIZE * SIZE }, (_, i) => ((i * 37) % 101) / 101 - 0.5);
    const x = scope.upload(values, [SIZE, SIZE]);
    const w = wholeMatrix({ rows: SIZE, columns: SIZE, storage: 'f32' }, scope.upload(values));
    const y = scope.tensor([SIZE, SIZE]);
    const run = async (products: number): Promise<number> => {
      const began = performance.now();
      for (let i = 0; i < products; i++) matmulNT(rec, { x: allColumns(x), w, y: allColumns(y) }, { m: SIZE });
      await rec.submit();
      await device.queue.onSubmittedWorkDone();
      return performance.now() - began;
    };
    await run(1);
    let products = 1;
    while (products < MOST_PRODUCTS && (await run(products)) < LEAST_MS) products *= 2;
    const times: number[] = [];
    for (let i = 0; i < REPEATS; i++) times.push(await run(products));
    times.sort((a, b) => a - b);
    const ms = Math.max(times[Math.floor(REPEATS / 2)]!, CLOCK_MS);
    return (products * 2 * SIZE ** 3) / ms / 1e6;
  });
}
