// The rate of the engine's own product on this device: one figure that makes times comparable.

import type { Gpu } from '../gpu/gpu';
import { allColumns, matmulNT, wholeMatrix } from './matmul';

const SIZE = 512;
const REPEATS = 3;

/** f32 GFLOP/s of a 512 x 512 x 512 product: one warm-up, then the median of three timed runs. */
export async function measureMatmul(gpu: Gpu): Promise<number> {
  const { rec, device } = gpu;
  const scope = rec.scope();
  const values = Float32Array.from({ length: SIZE * SIZE }, (_, i) => ((i * 37) % 101) / 101 - 0.5);
  const x = scope.upload(values, [SIZE, SIZE]);
  const data = scope.upload(values);
  const y = scope.tensor([SIZE, SIZE]);
  const run = async (): Promise<number> => {
    const began = performance.now();
    const w = wholeMatrix({ rows: SIZE, columns: SIZE, storage: 'f32' }, data);
    matmulNT(rec, { x: allColumns(x), w, y: allColumns(y) }, { m: SIZE });
    await rec.submit();
    await device.queue.onSubmittedWorkDone();
    return performance.now() - began;
  };
  await run();
  const times: number[] = [];
  for (let i = 0; i < REPEATS; i++) times.push(await run());
  scope.release();
  times.sort((a, b) => a - b);
  return (2 * SIZE ** 3) / times[Math.floor(REPEATS / 2)]! / 1e6;
}
