import { describe, expect, it } from 'vitest';
import { VARIANTS, withGpu } from '../gpu/testGpu';
import * as reference from './cpuReference/rmsNorm';
import { rmsNorm, rmsNormBackward } from './rmsNorm';
import { expectTensor } from './testing/expectTensor';
import { testValues } from './testValues';

const EPS = 1e-6;

interface Scene {
  name: string;
  rows: number;
  width: number;
  /** Factor of row t. */
  size?: (t: number) => number;
}

const SCENES: Scene[] = [
  { name: 'one row of the smallest width', rows: 1, width: 4 },
  { name: 'odd rows', rows: 5, width: 20 },
  { name: 'more columns than a row has lanes', rows: 9, width: 260 },
  { name: 'rows that are zero, tiny or huge', rows: 4, width: 68, size: (t) => [0, 1e-12, 1e4, 1e15][t]! },
];

describe.each(VARIANTS)('rmsNorm, %s kernels', (variant) => {
  it.each(SCENES)('equals the reference, forward and backward: $name', async ({ rows, width, size = () => 1 }) => {
    const x = testValues(rows * width, 1).map((v, i) => Math.fround(v * size(Math.floor(i / width))));
    const weight = testValues(width, 2, 0.5, 1.5);
    const [dy, before] = [testValues(rows * width, 3), testValues(rows * width, 4)];
    const want = reference.rmsNorm(x, weight, { rows, width }, EPS);
    const wantDx = reference.rmsNormBackward(dy, x, weight, want.rstd, { rows, width });
    await withGpu(variant, async ({ rec, input, output, read }) => {
      const t = { x: input(x, [rows, width]), weight: input(weight), rstd: output([rows]) };
      const dyGpu = input(dy, [rows, width]);
      const [y, dx, dxSum] = [output([rows, width]), output([rows, width]), input(before, [rows, width])];
      rmsNorm(rec, { ...t, y }, { eps: EPS });
      rmsNormBackward(rec, { ...t, dy: dyGpu, dx }, { mode: 'write' });
      rmsNormBackward(rec, { ...t, dy: dyGpu, dx: dxSum }, { mode: 'accumulate' });
      const [gotY, gotRstd, gotDx, gotSum] = await read(y, t.rstd, dx, dxSum);
      expectTensor('rstd', gotRstd, want.rstd, [rows]);
      for (let r = 0; r < rows; r++) {
        // Each row has its own scale, by many orders of magnitude.
        const of = (all: ArrayLike<number>) => Array.from({ length: width }, (_, c) => all[r * width + c]!);
        expectTensor(`y of row ${r}`, of(gotY), of(want.y), [width]);
        const dxRow = of(wantDx);
        expectTensor(`dx of row ${r}`, of(gotDx), dxRow, [width], { scale: want.rstd[r]! });
        const sum = dxRow.map((v, c) => v + before[r * width + c]!);
        expectTensor(`dx of row ${r}, accumulated`, of(gotSum), sum, [width], { scale: want.rstd[r]! + 1 });
      }
    });
  });
});

describe('rmsNorm', () => {
  it('names the tensor whose shape is wrong', async () => {
    await withGpu('software', async ({ rec, input }) => {
      const x = input(new Float32Array(8), [2, 4]);
      const call = () => rmsNorm(rec, { x, weight: input([1, 1]), y: x, rstd: input([0, 0]) }, { eps: EPS });
      expect(call).toThrow('rmsNorm: weight is (2), expected (4)');
    });
  });
});
