import { describe, expect, it } from 'vitest';
import type { Tensor } from '../gpu/tensor';
import { SHARING_VARIANTS, withGpu, type GpuBench } from '../gpu/testGpu';
import { linear, linearBackwardInput, linearBackwardWeight } from './cpuReference/linear';
import { matmulNN, matmulNT, matmulTNAccumulate, wholeMatrix, type WeightStorage } from './matmul';
import { place, unplace, type Placement } from './testing/columns';
import { expectTensor } from './testing/expectTensor';
import { cutMatrix, storedMatrix } from './testing/storedWeights';
import { testValues } from './testValues';

const M = [1, 3, 8, 17, 70];
const N = [1, 8, 33, 68];
const K = [4, 20, 132];
/** What lies around an output; a kernel that writes too far changes it. */
const UNTOUCHED = 7.5;

interface Size {
  m: number;
  n: number;
  k: number;
}

interface Options {
  storage?: WeightStorage;
  scale?: number;
  bias?: boolean;
  add?: 'y' | 'addend';
  wOffset?: number;
  /** Rows of the parts that W is cut into. */
  cut?: number;
}

const upTo4 = (n: number): number => Math.ceil(n / 4) * 4;
const sum = (a: ArrayLike<number>, b: ArrayLike<number>): Float64Array => Float64Array.from(a, (v, i) => v + b[i]!);
const reference = ({ m, n, k }: Size) => ({ rows: m, inWidth: k, outWidth: n });

function inputColumns(bench: GpuBench, values: ArrayLike<number>, at: Placement) {
  return { data: bench.input(place(values, at, NaN)), stride: at.stride, offset: at.offset };
}

/** Records one NT product inside larger buffers; the returned check compares what was read of `y`. */
function recordNT(bench: GpuBench, size: Size, options: Options = {}, x = testValues(size.m * size.k, 1)) {
  const { m, n, k } = size;
  const { storage = 'f32', scale = 1, add, wOffset } = options;
  const { w, values } = storedMatrix(bench, { rows: n, columns: k, storage, offset: wOffset }, 2);
  const { cut = n } = options;
  const bias = options.bias ? testValues(n, 3) : null;
  const addend = add ? testValues(m * n, 4) : null;
  const yAt = { rows: m, width: n, stride: upTo4(n) + 4, offset: 8 };
  const y = bench.input(place(add === 'y' && addend ? addend : new Float32Array(m * n), yAt, UNTOUCHED));
  matmulNT(
    bench.rec,
    {
      x: inputColumns(bench, x, { rows: m, width: k, stride: k + 8, offset: 4 }),
      w: cutMatrix(w, cut),
      y: { data: y, stride: yAt.stride, offset: yAt.offset },
      ...(bias ? { bias: bench.input(bias) } : {}),
    },
    { m, scale, add: add === 'y' ? 'y' : addend ? bench.input(addend, [m, n]) : undefined },
  );
  const product = linear(x, values, null, reference(size)).map((v) => v * scale);
  const biased = product.map((v, i) => v + (bias ? bias[i % n]! : 0));
  const want = addend ? sum(biased, addend) : biased;
  return { y, check: (got: Float32Array) => expectPlaced(`NT ${m} x ${n} x ${k}`, got, want, yAt, upTo4(n)) };
}

function recordNN(bench: GpuBench, size: Size, options: Options = {}) {
  const { m, n, k } = size;
  const { storage = 'f32', scale = 1, add, wOffset, cut = n } = options;
  const { w, values } = storedMatrix(bench, { rows: n, columns: k, storage, offset: wOffset }, 2);
  const x = testValues(m * n, 1);
  // The columns of x up to the next multiple of 4 hold zeros, by contract.
  const wide = new Float32Array(m * upTo4(n));
  for (let i = 0; i < x.length; i++) wide[Math.floor(i / n) * upTo4(n) + (i % n)] = x[i]!;
  const before = testValues(m * k, 4);
  const yAt = { rows: m, width: k, stride: k + 4, offset: 8 };
  const y = bench.input(place(add === 'y' ? before : new Float32Array(m * k), yAt, UNTOUCHED));
  matmulNN(
    bench.rec,
    {
      x: inputColumns(bench, wide, { rows: m, width: upTo4(n), stride: upTo4(n) + 8, offset: 4 }),
      w: cutMatrix(w, cut),
      y: { data: y, stride: yAt.stride, offset: yAt.offset },
    },
    { m, scale, accumulate: add === 'y' },
  );
  const product = linearBackwardInput(x, values, reference(size)).map((v) => v * scale);
  const want = add === 'y' ? sum(product, before) : product;
  return { y, check: (got: Float32Array) => expectPlaced(`NN ${m} x ${n} x ${k}`, got, want, yAt) };
}

/** @param owned columns that the product may write, of which the first are compared */
function expectPlaced(name: string, got: Float32Array, want: ArrayLike<number>, at: Placement, owned = at.width): void {
  const { values } = unplace(got, at);
  const { outside } = unplace(got, { ...at, width: owned });
  expectTensor(name, values, want, [at.rows, at.width]);
  expect(new Set(outside), `${name}: elements around y`).toEqual(new Set([UNTOUCHED]));
}

async function runAll(bench: GpuBench, cases: { y: Tensor; check(got: Float32Array): void }[]) {
  const results = await bench.read(...cases.map(({ y }) => y));
  cases.forEach(({ check }, i) => check(results[i]!));
}

const sizesOf = (m: number): Size[] => N.flatMap((n) => K.map((k) => ({ m, n, k })));

describe.each(SHARING_VARIANTS)('matmul, %s kernels', (variant) => {
  it.each(M)('NT equals the reference for %i rows and writes nothing besides', async (m) => {
    await withGpu(variant, (bench) =>
      runAll(
        bench,
        sizesOf(m).map((size) => recordNT(bench, size)),
      ),
    );
  });

  it.each(M)('NN equals the reference for %i rows and writes nothing besides', async (m) => {
    await withGpu(variant, (bench) =>
      runAll(
        bench,
        sizesOf(m).map((size) => recordNN(bench, size)),
      ),
    );
  });

  it.each(['f32', 'bf16', 'f16', 'nf4'] as const)(
    'multiplies %s matrices of whole tiles, and of several that end in their midst',
    async (storage) => {
      const sizes: Size[] = [
        { m: 64, n: 128, k: 64 },
        { m: 129, n: 68, k: 148 },
        { m: 66, n: 140, k: 20 },
      ];
      await withGpu(variant, (bench) =>
        runAll(
          bench,
          sizes.flatMap((size) => [
            recordNT(bench, size, { storage, bias: true, add: 'addend', scale: 0.5 }),
            recordNN(bench, size, { storage, add: 'y' }),
          ]),
        ),
      );
    },
  );

  it.each(['f32', 'bf16', 'f16', 'nf4'] as const)(
    'multiplies %s matrices where the result is narrow',
    async (storage) => {
      const [few, long] = [
        [1, 3, 7, 17, 29],
        [512, 520, 776, 1032, 516],
      ];
      await withGpu(variant, (bench) =>
        runAll(
          bench,
          few.flatMap((m, at) => {
            const k = long[at]!;
            return [
              recordNT(bench, { m, n: 68, k }, { storage, bias: true, add: 'addend', scale: 0.5, wOffset: 16 }),
              recordNT(bench, { m: 70 - m, n: [8, 4, 33, 16, 1][at]!, k }, { storage }),
              recordNN(bench, { m, n: k - (at % 3), k: 140 }, { storage, add: 'y', wOffset: 16 }),
              recordNN(bench, { m: 70 - m, n: k, k: [8, 4, 64, 16, 12][at]! }, { storage, scale: 0.5 }),
            ];
          }),
        ),
      );
    },
  );

  it('NT scales, adds a bias, accumulates and adds a residual', async () => {
    const size = { m: 17, n: 36, k: 20 };
    const options: Options[] = [
      { scale: -0.375 },
      { bias: true },
      { add: 'y', scale: 2 },
      { add: 'addend' },
      { bias: true, add: 'addend', scale: 0.5 },
    ];
    await withGpu(variant, (bench) =>
      runAll(
        bench,
        options.map((option) => recordNT(bench, size, option)),
      ),
    );
  });

  it('NN scales and accumulates', async () => {
    const size = { m: 17, n: 33, k: 20 };
    const options: Options[] = [{ scale: -0.375 }, { add: 'y', scale: 2 }];
    await withGpu(variant, (bench) =>
      runAll(
        bench,
        options.map((option) => recordNN(bench, size, option)),
      ),
    );
  });

  it.each(['f32', 'bf16', 'f16', 'nf4'] as const)(
    'multiplies with %s weights that start inside a buffer',
    async (storage) => {
      const size = { m: 9, n: 36, k: 20 };
      await withGpu(variant, (bench) =>
        runAll(bench, [
          recordNT(bench, size, { storage, wOffset: 12 }),
          recordNN(bench, size, { storage, wOffset: 12 }),
        ]),
      );
    },
  );

  it.each(['f32', 'bf16', 'nf4'] as const)(
    'a %s matrix in parts gives the bits of the whole one (NT)',
    async (storage) => {
      const [wide, long] = [132, 520].map((k) => ({ m: 17, n: 100, k }));
      const options: Options[] = [{}, { bias: true, add: 'addend', scale: 0.5 }, { bias: true, add: 'y' }];
      await withGpu(variant, async (bench) => {
        for (const [size, option] of options.flatMap((option) => [
          [wide!, option] as const,
          [long!, option] as const,
        ])) {
          const [whole, parts] = [100, 24].map((cut) => recordNT(bench, size, { ...option, storage, cut }));
          const [want, got] = await bench.read(whole!.y, parts!.y);
          parts!.check(got);
          expect(got).toEqual(want);
        }
      });
    },
  );

  it.each(['f32', 'bf16', 'nf4'] as const)('adds up the parts of a %s matrix (NN)', async (storage) => {
    const size = { m: 17, n: 99, k: 132 };
    const options: Options[] = [{}, { add: 'y', scale: 0.5 }];
    await withGpu(variant, (bench) =>
      runAll(
        bench,
        options.map((option) => recordNN(bench, size, { ...option, storage, cut: 24 })),
      ),
    );
  });

  it('NT survives huge, tiny and signed zero inputs', async () => {
    const x = Float64Array.from({ length: 80 }, (_, i) => [80, -80, 0, -0, 1e30, 1e-30, -1e30, 1e-37][i % 8]!);
    await withGpu(variant, (bench) => runAll(bench, [recordNT(bench, { m: 4, n: 8, k: 20 }, {}, x.map(Math.fround))]));
  });

  it('TN adds scaled products over tokens to a part of a flat gradient', async () => {
    await withGpu(variant, async (bench) => {
      const cases = [1, 3, 70, 130].flatMap((tokens) =>
        (
          [
            [4, 36],
            [8, 4],
            [68, 12],
            [36, 8],
            [16, 64],
          ] as const
        ).map(([i, j]) => recordTN(bench, tokens, i, j)),
      );
      await runAll(bench, cases);
    });
  });

  it('does nothing for no rows', async () => {
    await withGpu(variant, async (bench) => {
      const { y } = recordNT(bench, { m: 0, n: 8, k: 4 });
      recordNN(bench, { m: 0, n: 8, k: 4 });
      expect(new Set((await bench.read(y))[0])).toEqual(new Set([UNTOUCHED]));
    });
  });
});

/** Two accumulations into a gradient that is not zero: both add up. */
function recordTN(bench: GpuBench, tokens: number, i: number, j: number) {
  const [p, q, before] = [testValues(tokens * i, 1), testValues(tokens * j, 2), testValues(i * j, 3)];
  const gAt = { rows: 1, width: i * j, stride: i * j + 8, offset: 12 };
  const g = bench.input(place(before, gAt, UNTOUCHED));
  const tensors = {
    p: inputColumns(bench, p, { rows: tokens, width: i, stride: i + 8, offset: 4 }),
    q: inputColumns(bench, q, { rows: tokens, width: j, stride: j + 4, offset: 8 }),
    g,
  };
  matmulTNAccumulate(bench.rec, tensors, { tokens, i, j, gOffset: 12, scale: 0.5 });
  matmulTNAccumulate(bench.rec, tensors, { tokens, i, j, gOffset: 12 });
  const product = linearBackwardWeight(p, q, { rows: tokens, inWidth: j, outWidth: i });
  const want = before.map((v, at) => v + 1.5 * product[at]!);
  return { y: g, check: (got: Float32Array) => expectPlaced(`TN ${tokens} x ${i} x ${j}`, got, want, gAt) };
}

describe('matmul', () => {
  it('names the operation and the size that is not a multiple of 4', async () => {
    await withGpu('software', async (bench) => {
      const x = { data: bench.input([1, 2, 3, 4]), stride: 4, offset: 0 };
      const w = wholeMatrix({ rows: 1, columns: 3, storage: 'f32' }, bench.input([1, 2, 3]));
      const call = () => matmulNT(bench.rec, { x, w, y: x }, { m: 1 });
      expect(call).toThrow('matmulNT: K is 3, expected a multiple of 4');
      const wide = wholeMatrix({ rows: 3, columns: 4, storage: 'f32' }, bench.input(new Float32Array(12)));
      const biased = () => matmulNT(bench.rec, { x, w: wide, y: x, bias: x.data }, { m: 1 });
      expect(biased).toThrow('matmulNT: N is 3, expected a multiple of 4');
      await bench.read(x.data);
    });
  });
});
