import { describe, expect, it } from 'vitest';
import { bfloat16ToFloat32, float16ToFloat32 } from '../formats/floats';
import { VARIANTS, withGpu } from '../gpu/testGpu';
import { embeddingGather } from './cpuReference/embedding';
import { wholeMatrix } from './matmul';
import { embedGather, gatherRows, scatterRows } from './rows';
import { compareExact } from '../reference/compare';
import { place, unplace } from './testing/columns';
import { cutMatrix, packHalves, storedMatrix } from './testing/storedWeights';
import { testValues } from './testValues';

const WIDTHS = [4, 20, 68];

const wordsOf = (values: ArrayLike<number>): Uint32Array => new Uint32Array(Float32Array.from(values).buffer);

/** A copy must keep every bit, the sign of zero too. */
function expectSameBits(got: ArrayLike<number>, want: ArrayLike<number>): void {
  const result = compareExact('bits', wordsOf(got), wordsOf(want));
  expect(result.pass, result.detail).toBe(true);
}

/** All finite, normal 16-bit patterns and both zeros, as whole rows of `width`; the last row is filled up with 0. */
function allPatterns(exponentMask: number, width: number): Uint16Array<ArrayBuffer> {
  const out: number[] = [];
  for (let bits = 0; bits < 65536; bits++) {
    const exponent = bits & exponentMask;
    if ((exponent !== 0 && exponent !== exponentMask) || (bits & 0x7fff) === 0) out.push(bits);
  }
  while (out.length % width) out.push(0);
  return Uint16Array.from(out);
}

describe.each(VARIANTS)('rows, %s kernels', (variant) => {
  it.each(['f32', 'bf16', 'f16', 'nf4'] as const)(
    'embedGather takes %s embeddings or picture features',
    async (storage) => {
      for (const width of WIDTHS) {
        const ids = Uint32Array.from({ length: 19 }, (_, t) => (t * 7) % 11);
        const imageRow = Int32Array.from({ length: 19 }, (_, t) => (t % 3 === 1 ? (t * 2) % 5 : -1));
        const features = testValues(5 * width, 3);
        await withGpu(variant, async (bench) => {
          const { w, values } = storedMatrix(bench, { rows: 11, columns: width, storage }, 2);
          const x = bench.output([19, width]);
          const { input } = bench;
          embedGather(bench.rec, { ids: input(ids), imageRow: input(imageRow), features: input(features), x }, w);
          const [got] = await bench.read(x);
          expectSameBits(got, embeddingGather(values, ids, features, imageRow, width));
        });
      }
    },
  );

  it('embedGather takes every token from the part of the embedding that has it', async () => {
    const width = 20;
    const ids = Uint32Array.from({ length: 19 }, (_, t) => (t * 7) % 11);
    const imageRow = Int32Array.from({ length: 19 }, (_, t) => (t % 3 === 1 ? (t * 2) % 5 : -1));
    const features = testValues(5 * width, 3);
    await withGpu(variant, async (bench) => {
      const { w, values } = storedMatrix(bench, { rows: 11, columns: width, storage: 'f32' }, 2);
      const x = bench.output([19, width]);
      const { input } = bench;
      const tensors = { ids: input(ids), imageRow: input(imageRow), features: input(features), x };
      embedGather(bench.rec, tensors, cutMatrix(w, 4));
      expectSameBits((await bench.read(x))[0], embeddingGather(values, ids, features, imageRow, width));
    });
  });

  it.each([
    { storage: 'bf16', mask: 0x7f80, decode: bfloat16ToFloat32 },
    { storage: 'f16', mask: 0x7c00, decode: float16ToFloat32 },
  ] as const)('decodes every normal $storage pattern and both zeros to the very bits', async (format) => {
    const width = 64;
    const bits = allPatterns(format.mask, width);
    const rows = bits.length / width;
    const ids = Uint32Array.from({ length: rows }, (_, t) => rows - 1 - t);
    await withGpu(variant, async ({ rec, input, output, read }) => {
      const w = wholeMatrix({ rows, columns: width, storage: format.storage }, input(packHalves(bits)));
      const x = output([rows, width]);
      const imageRow = input(new Int32Array(rows).fill(-1));
      embedGather(rec, { ids: input(ids), imageRow, features: input([0, 0, 0, 0]), x }, w);
      const [got] = await read(x);
      const want = embeddingGather(format.decode(bits), ids, null, null, width);
      expectSameBits(got, want);
    });
  });

  it('gatherRows copies rows in any order, repeatedly', async () => {
    for (const width of WIDTHS) {
      const x = testValues(9 * width, 1);
      const row = Uint32Array.from({ length: 21 }, (_, r) => (r * 4) % 9);
      await withGpu(variant, async ({ rec, input, output, read }) => {
        const y = output([21, width]);
        gatherRows(rec, { x: input(x, [9, width]), row: input(row), y });
        const [got] = await read(y);
        expectSameBits(got, embeddingGather(x, row, null, null, width));
      });
    }
  });

  it('scatterRows writes the chosen columns of the chosen rows and nothing else', async () => {
    for (const width of WIDTHS) {
      const rows = 11;
      const x = testValues(rows * width, 1);
      const row = Uint32Array.from({ length: rows }, (_, r) => (r * 5) % 13);
      const at = { rows: 13, width, stride: width + 12, offset: 8 };
      await withGpu(variant, async ({ rec, input, read }) => {
        const y = input(place(new Float32Array(13 * width).fill(7.5), at, 7.5));
        const from = { rows, width, stride: width + 4, offset: 4 };
        const source = { data: input(place(x, from, NaN)), stride: from.stride, offset: 4 };
        scatterRows(rec, { x: source, row: input(row), y: { data: y, stride: at.stride, offset: 8 } }, { rows, width });
        const { values, outside } = unplace((await read(y))[0], at);
        const want = new Float32Array(13 * width).fill(7.5);
        row.forEach((to, r) => want.set(x.slice(r * width, (r + 1) * width), to * width));
        expectSameBits(values, want);
        expect(new Set(outside)).toEqual(new Set([7.5]));
      });
    }
  });
});
