import { describe, expect, it } from 'vitest';
import { VARIANTS, withGpu } from '../gpu/testGpu';
import { gelu, swiglu, swigluBackward } from './activations';
import * as reference from './cpuReference/gelu';
import * as swigluReference from './cpuReference/swiglu';
import { expectTensor } from './testing/expectTensor';
import { testValues } from './testValues';

const EXTREMES = [0, -0, 80, -80, 1000, -1000, 1e-20, -1e-20, 88.8, -88.8, 17, -17];

/** Rows of [gate, up] from two lists of (rows, i). */
function stack(gate: ArrayLike<number>, up: ArrayLike<number>, i: number): Float32Array {
  const out = new Float32Array(gate.length * 2);
  for (let n = 0; n < gate.length; n++) {
    const at = Math.floor(n / i) * 2 * i + (n % i);
    out[at] = gate[n]!;
    out[at + i] = up[n]!;
  }
  return out;
}

const SCENES = [
  { name: 'one row of the smallest width', rows: 1, i: 4 },
  { name: 'odd rows across a workgroup', rows: 7, i: 44 },
  { name: 'wide rows', rows: 3, i: 260 },
];

describe.each(VARIANTS)('activations, %s kernels', (variant) => {
  it.each(SCENES)('swiglu equals the reference, forward and backward: $name', async ({ rows, i }) => {
    const gate = testValues(rows * i, 1, -8, 8);
    EXTREMES.forEach((value, n) => (gate[(n * 3) % gate.length] = Math.fround(value)));
    const [up, dh] = [testValues(rows * i, 2), testValues(rows * i, 3)];
    const { dGate, dUp } = swigluReference.swigluBackward(dh, gate, up);
    await withGpu(variant, async ({ rec, input, output, read }) => {
      const gu = input(stack(gate, up, i), [rows, 2 * i]);
      const h = output([rows, i]);
      swiglu(rec, { gu, h });
      const [gotH] = await read(h);
      swigluBackward(rec, { dh: input(dh, [rows, i]), gu });
      const [gotGu] = await read(gu);
      // Elementwise: each error goes by the element itself, so neither a scale nor the largest element is needed.
      const tolerance = { scale: 1 };
      expectTensor('h', gotH, swigluReference.swiglu(gate, up), [rows, i], tolerance);
      expectTensor('d gate, d up', gotGu, stack(dGate, dUp, i), [rows, 2, i], tolerance);
    });
  });

  it.each([1, 7, 300])('gelu equals the reference for %i elements, the far tails included', async (count) => {
    const x = testValues(count, 1, -6, 6);
    EXTREMES.forEach((value, n) => {
      if (n * 5 < count - 1) x[n * 5] = Math.fround(value);
    });
    await withGpu(variant, async ({ rec, input, read }) => {
      const tensor = input(x);
      gelu(rec, tensor);
      const [got] = await read(tensor);
      expectTensor('gelu', got, reference.gelu(x), [count], { scale: 1 });
    });
  });

  it('gelu of a long buffer takes more workgroups than one dimension of the grid, and each element once', async () => {
    const count = 32768 * 64 + 70;
    await withGpu(variant, async ({ rec, input, read }) => {
      const x = input(new Float32Array(count).fill(1));
      gelu(rec, x);
      const [got] = await read(x);
      const want = reference.gelu([1])[0]!;
      expect(got.findIndex((v) => !(Math.abs(v - want) < 1e-6))).toBe(-1);
    });
  });
});
